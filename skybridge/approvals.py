"""The second person's word: asked for, granted or refused by somebody else, and used once by the act itself.

An act that needs it calls `require_granted` in its own transaction, with the facts that it is about to make true.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from skybridge.events import Actor, Happening, record
from skybridge.exceptions import DomainError, Forbidden, InvalidInput, NotFound
from skybridge.history import subject_of
from skybridge.models import Approval, Event

# The acts that may need a second person, and the permission which that person has.
APPROVED_BY = {"refund_booking": "skybridge.approve_refund", "waive_penalty": "skybridge.approve_waiver"}
# What gives somebody power over another's account, and how long before asking it still counts.
INDEPENDENT = timedelta(days=30)
POWERS = ("user.created", "user.changed", "user.password_changed", "second_factor.taken_away", "group.changed")


class ApprovalRequired(DomainError):
    code = "approval_required"
    message = "This needs the approval of a second person; ask for it."


class ApprovalPending(DomainError):
    code = "approval_pending"
    message = "This is waiting for the approval of a second person."


class ApprovalDecided(DomainError):
    code = "approval_decided"
    message = "Somebody has decided on this already."


class OwnApproval(DomainError):
    code = "own_approval"
    status_code = 403
    message = "Another person than who asked must decide."


class NotIndependent(DomainError):
    """One of the two could sign in as the other, or has given the other the right to decide."""

    code = "not_independent"
    status_code = 403
    message = (
        f"Of you and who asked, one has made or changed the other's account or its groups within {INDEPENDENT.days} "
        "days of it; a third person must decide."
    )


def refund_needs_approval(amount: Decimal, currency: str) -> bool:
    """Tell whether a refund needs a second person: above the limit, or any in a currency that has no limit."""
    return amount > (settings.REFUND_APPROVAL_ABOVE if currency == settings.CURRENCY else 0)


def ask(act: str, object_id: UUID, facts: dict, *, reason: str, user: User, at: datetime) -> Approval:
    """Ask for a second person's word on an act with these facts, such as amount and currency.

    Raises InvalidInput without a reason or for an act that needs none, ApprovalPending when it has been asked for.
    """
    if act not in APPROVED_BY:
        raise InvalidInput(f"{act} needs no approval.")
    if not reason.strip():
        raise InvalidInput("Say why.")
    approval = Approval(act=act, object_id=object_id, facts=plain(facts), reason=reason, asked_by=user, asked_at=at)
    try:
        with transaction.atomic():
            approval.save(force_insert=True)
            write_down("asked", approval, user, at, reason)
    except IntegrityError:
        raise ApprovalPending from None
    return approval


def grant(approval_id: UUID, *, user: User, at: datetime) -> Approval:
    """Grant what another has asked for. Raises as `decide`, and OwnApproval for who asked."""
    return decide(approval_id, True, user=user, at=at, reason="")


def refuse(approval_id: UUID, *, user: User, at: datetime, reason: str = "") -> Approval:
    """Refuse what another has asked for, or take back what one has asked for oneself. Raises as `decide`."""
    return decide(approval_id, False, user=user, at=at, reason=reason)


@transaction.atomic
def decide(approval_id: UUID, is_granted: bool, *, user: User, at: datetime, reason: str) -> Approval:
    """Decide, once. Locks the approval.

    Raises NotFound, ApprovalDecided, OwnApproval, NotIndependent, and Forbidden without the permission to decide on the
    act.
    """
    approval = Approval.objects.select_for_update().filter(pk=approval_id).first()
    if approval is None:
        raise NotFound
    is_own = approval.asked_by_id == user.pk
    if is_own and is_granted:
        raise OwnApproval
    if not (is_own or may_decide(user, approval.act)):
        raise Forbidden
    if approval.decided_at is not None:
        raise ApprovalDecided
    if is_granted and not are_independent(approval.asked_by, user, since=approval.asked_at - INDEPENDENT):
        raise NotIndependent
    approval.decided_by, approval.decided_at, approval.is_granted = user, at, is_granted
    approval.save(update_fields=["decided_by", "decided_at", "is_granted"])
    write_down("granted" if is_granted else "refused", approval, user, at, reason)
    return approval


def may_decide(user: User, act: str) -> bool:
    return user.is_active and user.is_staff and user.has_perm(APPROVED_BY[act])


def are_independent(one: User, other: User, *, since: datetime) -> bool:
    """Tell whether neither of two people has had power over the other's account since then. Three statements.

    The event log knows: accounts made or changed, passwords and second factors taken away, groups that somebody is in.
    """
    over_other = Q(actor_id=str(one.pk), subject_id__in=subjects_of(other))
    over_one = Q(actor_id=str(other.pk), subject_id__in=subjects_of(one))
    powers = Event.objects.filter(at__gt=since, actor_kind="staff", action__in=POWERS)
    return not powers.filter(over_other | over_one).exists()


def subjects_of(user: User) -> list[UUID]:
    """Return the ids under which changes of an account and of its groups are recorded."""
    return [subject_of(row) for row in (user, *user.groups.all())]


@transaction.atomic
def require_granted(act: str, object_id: UUID, facts: dict, *, actor: Actor, at: datetime) -> Approval:
    """Use up the approval of an act with exactly these facts, in the transaction of the act. Locks the approval.

    Raises ApprovalPending while it waits for a decision, ApprovalRequired when there is none: never asked for, refused,
    asked for with other facts, used before, or granted longer ago than APPROVAL_LIFETIME.
    """
    asked = Approval.objects.select_for_update().filter(act=act, object_id=object_id, facts=plain(facts))
    granted = asked.filter(is_granted=True, used_at=None, decided_at__gt=at - settings.APPROVAL_LIFETIME)
    approval = granted.order_by("id").first()
    if approval is None:
        raise ApprovalPending if asked.filter(decided_at=None).exists() else ApprovalRequired
    approval.used_at = at
    approval.save(update_fields=["used_at"])
    happening = Happening("approval.used", object_id, after={"approval": str(approval.pk), "act": act})
    record([happening], actor=actor, at=at)
    return approval


def state_of(act: str, object_id: UUID, facts: dict, *, at: datetime) -> str:
    """Return whether an act with exactly these facts is "granted", "pending", or not asked for (""). One statement."""
    asked = Approval.objects.filter(act=act, object_id=object_id, facts=plain(facts), used_at=None)
    granted = Q(is_granted=True, decided_at__gt=at - settings.APPROVAL_LIFETIME)
    found = asked.filter(granted | Q(decided_at=None)).order_by(F("is_granted").desc(nulls_last=True)).first()
    return "" if found is None else "granted" if found.is_granted else "pending"


def write_down(word: str, approval: Approval, user: User, at: datetime, reason: str) -> None:
    """Record a step on the history of what the act is about."""
    after = {"approval": str(approval.pk), "act": approval.act, "facts": approval.facts}
    happening = Happening(f"approval.{word}", approval.object_id, after=after, reason=reason)
    record([happening], actor=Actor("staff", str(user.pk), "admin"), at=at)


def plain(facts: dict) -> dict:
    """Return facts as JSON keeps them, so that 25, 25.0 and 25.00 are one amount."""
    return {name: amount_text(value) if isinstance(value, Decimal) else value for name, value in facts.items()}


def amount_text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
