"""What the airline does for its partners: hand out keys, replace them, end them, and change an agency's terms."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from partners import keys
from partners.exceptions import KeyNotLive, TooManyKeys
from partners.models import Agency, ApiKey
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import InvalidInput
from skybridge.times import utc_text

MAX_LIVE_KEYS = 2
MAX_NAME_LENGTH = 60
NO_OVERLAP = timedelta(0)


@transaction.atomic
def create_api_key(
    agency: Agency, *, actor: Actor, mode: str = "test", name: str = "", expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return its row and its text, which nobody can read again.

    Locks the agency. Raises TooManyKeys when it has two live keys, InvalidInput for a mode that is not `test` or
    `live`, a name of more than 60 characters or an expiry in the past.
    """
    now = timezone.now()
    lock_agency(agency)
    return add_key(agency, mode, name, expires_at, actor=actor, at=now)


@transaction.atomic
def rotate_api_key(
    api_key: ApiKey, *, actor: Actor, overlap: timedelta = NO_OVERLAP, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Replace a live key by a new one of the same mode and name, and return the new row and text.

    The old key ends at once, or works on for `overlap` if the agency has no second live key. Locks the agency and the
    key. Raises KeyNotLive for a revoked or expired key, and as `create_api_key`.
    """
    now = timezone.now()
    lock_agency(api_key.agency)
    old = ApiKey.objects.select_for_update().get(pk=api_key.pk)
    if not is_live(old, now):
        raise KeyNotLive
    if overlap > NO_OVERLAP:
        expire(old, now + overlap, actor=actor, at=now)
    else:
        end(old, actor=actor, at=now, reason="rotated")
    return add_key(api_key.agency, keys.mode_of(old.prefix), old.name, expires_at, actor=actor, at=now)


@transaction.atomic
def revoke_api_key(api_key: ApiKey, *, actor: Actor, reason: str = "") -> None:
    """End a key; a revoked one stays as it is. This process refuses it at once, every other within 5 seconds."""
    end(api_key, actor=actor, at=timezone.now(), reason=reason)


@transaction.atomic
def save_agency(agency: Agency, *, actor: Actor) -> Agency:
    """Write an agency, new or changed. A changed plan or status takes effect within 5 seconds."""
    kept = Agency.objects.select_for_update().filter(pk=agency.pk).first()
    before, after = facts_of(kept) if kept else None, facts_of(agency)
    agency.save()
    if before != after:
        action = "agency.changed" if before else "agency.created"
        record([Happening(action, agency.pk, before=before, after=after)], actor=actor)
    return agency


def lock_agency(agency: Agency) -> None:
    """Let one at a time count and change an agency's keys; the lock ends with the transaction."""
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)


def add_key(
    agency: Agency, mode: str, name: str, expires_at: datetime | None, *, actor: Actor, at: datetime
) -> tuple[ApiKey, str]:
    check_terms(mode, name, expires_at, at)
    if ApiKey.objects.live(at).filter(agency=agency.pk).count() >= MAX_LIVE_KEYS:
        raise TooManyKeys
    key = keys.new_key(mode)
    api_key = ApiKey.objects.create(
        agency=agency,
        name=name,
        prefix=key[: keys.SHOWN],
        digest=keys.digest_of(key),
        created_at=at,
        expires_at=expires_at,
    )
    after = {"agency": str(agency.pk), "prefix": api_key.prefix, "name": name, "expires_at": utc_text(expires_at)}
    record([Happening("api_key.created", api_key.pk, after=after)], actor=actor, at=at)
    return api_key, key


def check_terms(mode: str, name: str, expires_at: datetime | None, at: datetime) -> None:
    if mode not in keys.PREFIXES:
        raise InvalidInput("A key's mode is test or live.")
    if len(name) > MAX_NAME_LENGTH or not (name == "" or name.isprintable()):
        raise InvalidInput(f"A key's name has at most {MAX_NAME_LENGTH} printable characters.")
    if expires_at is not None and expires_at <= at:
        raise InvalidInput("A key expires in the future.")


def have_no_room(agency_ids: Collection[UUID], at: datetime) -> bool:
    """Tell whether one of these agencies has as many live keys as it may. One query."""
    live = ApiKey.objects.live(at).filter(agency__in=agency_ids).values("agency")
    return live.annotate(number=Count("pk")).filter(number__gte=MAX_LIVE_KEYS).exists()


def is_live(api_key: ApiKey, at: datetime) -> bool:
    return api_key.revoked_at is None and (api_key.expires_at is None or api_key.expires_at > at)


def end(api_key: ApiKey, *, actor: Actor, at: datetime, reason: str) -> None:
    if not ApiKey.objects.filter(pk=api_key.pk, revoked_at=None).update(revoked_at=at):
        return
    facts = {"revoked_at": utc_text(at)}
    record(
        [Happening("api_key.revoked", api_key.pk, before={"revoked_at": None}, after=facts, reason=reason)],
        actor=actor,
        at=at,
    )
    transaction.on_commit(lambda: keys.forget(api_key))


def expire(api_key: ApiKey, expires_at: datetime, *, actor: Actor, at: datetime) -> None:
    """Bring a key's end forward; one that ends earlier anyhow stays as it is."""
    if api_key.expires_at is not None and api_key.expires_at <= expires_at:
        return
    ApiKey.objects.filter(pk=api_key.pk).update(expires_at=expires_at)
    before, after = {"expires_at": utc_text(api_key.expires_at)}, {"expires_at": utc_text(expires_at)}
    record([Happening("api_key.changed", api_key.pk, before=before, after=after)], actor=actor, at=at)
    transaction.on_commit(lambda: keys.forget(api_key))


def facts_of(agency: Agency) -> dict:
    return {
        "name": agency.name,
        "plan": agency.plan.name,
        "is_active": agency.is_active,
        "is_ground_handler": agency.is_ground_handler,
    }
