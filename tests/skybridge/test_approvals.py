"""A second person's word: who may give it, what it covers, and that it is used once."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from skybridge import approvals
from skybridge.events import Actor
from skybridge.exceptions import DomainError
from skybridge.models import Approval, Event
from tests.skybridge.staff import change_user, signed_in, user_with

FACTS = {"amount": Decimal("750.00"), "currency": "USD"}
ACTOR = Actor("staff", "1", "admin")
pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return user_with("reservations", name="clerk")


@pytest.fixture
def boss() -> User:
    return user_with("supervisor", name="boss")


@pytest.fixture
def asked(clerk) -> Approval:
    return ask(clerk)


def ask(user: User, act: str = "refund_booking", **more) -> Approval:
    given = {"reason": "death in the family", "at": timezone.now(), **more}
    return approvals.ask(act, given.pop("object_id", uuid4()), given.pop("facts", FACTS), user=user, **given)


def use(approval: Approval, facts: dict = FACTS, **more) -> Approval:
    given = {"actor": ACTOR, "at": timezone.now(), **more}
    return approvals.require_granted(approval.act, given.pop("object_id", approval.object_id), facts, **given)


def refused(code: str, act, *args, **more) -> None:
    """Check that an act is refused with this code and changes nothing."""
    before = list(Approval.objects.order_by("pk").values()), Event.objects.count()
    with pytest.raises(DomainError) as refusal:
        act(*args, **more)
    assert refusal.value.code == code
    assert (list(Approval.objects.order_by("pk").values()), Event.objects.count()) == before


@pytest.mark.parametrize(
    ("amount", "currency", "needs"),
    [("500", "USD", False), ("500.01", "USD", True), ("0", "EUR", False), ("1", "EUR", True)],
)
def test_refunds_above_the_limit_need_one(amount, currency, needs):
    assert approvals.refund_needs_approval(Decimal(amount), currency) is needs


def test_another_person_grants_and_the_act_uses_it_once(asked, boss):
    granted = approvals.grant(asked.pk, user=boss, at=timezone.now())
    assert (granted.is_granted, granted.decided_by) == (True, boss)
    assert use(asked, {"amount": Decimal("750.0"), "currency": "USD"}).used_at is not None
    refused("approval_required", use, asked)
    steps = Event.objects.filter(subject_id=asked.object_id).order_by("id").values_list("action", "actor_id")
    assert list(steps) == [
        ("approval.asked", str(asked.asked_by_id)),
        ("approval.granted", str(boss.pk)),
        ("approval.used", "1"),
    ]


def test_what_was_asked_but_not_decided_is_pending(asked):
    refused("approval_pending", use, asked)


def test_what_was_refused_is_refused(asked, boss):
    approvals.refuse(asked.pk, user=boss, at=timezone.now(), reason="not our rules")
    refused("approval_required", use, asked)
    assert Event.objects.get(action="approval.refused").reason == "not our rules"


@pytest.mark.parametrize("facts", [{"amount": Decimal("750.01"), "currency": "USD"}, {"amount": Decimal(750)}, {}])
def test_it_covers_exactly_what_was_asked(asked, boss, facts):
    approvals.grant(asked.pk, user=boss, at=timezone.now())
    refused("approval_required", use, asked, facts)
    refused("approval_required", use, asked, object_id=uuid4())


def test_it_lapses_after_a_day(asked, boss):
    approvals.grant(asked.pk, user=boss, at=timezone.now() - timedelta(hours=24))
    refused("approval_required", use, asked)


def test_nobody_grants_their_own_and_everybody_may_take_it_back(boss):
    own = ask(boss)
    refused("own_approval", approvals.grant, own.pk, user=boss, at=timezone.now())
    superuser = User.objects.create_superuser("root")
    refused("own_approval", approvals.grant, ask(superuser).pk, user=superuser, at=timezone.now())
    assert approvals.refuse(own.pk, user=boss, at=timezone.now()).is_granted is False


@pytest.mark.parametrize("role", ["viewer", "reservations", "check-in", "administrator"])
def test_who_may_not_decide_decides_nothing(asked, role):
    user = user_with(role)
    refused("forbidden", approvals.grant, asked.pk, user=user, at=timezone.now())
    refused("forbidden", approvals.refuse, asked.pk, user=user, at=timezone.now())


def test_finance_decides_on_refunds_and_not_on_waivers(asked, clerk):
    waiver = ask(clerk, "waive_penalty")
    finance = user_with("finance")
    assert approvals.grant(asked.pk, user=finance, at=timezone.now()).is_granted
    refused("forbidden", approvals.grant, waiver.pk, user=finance, at=timezone.now())


def test_a_decision_stands(asked, boss):
    approvals.refuse(asked.pk, user=boss, at=timezone.now())
    refused("approval_decided", approvals.grant, asked.pk, user=boss, at=timezone.now())


def test_what_is_unknown_or_incomplete_is_refused(clerk, boss):
    refused("not_found", approvals.grant, uuid4(), user=boss, at=timezone.now())
    refused("invalid_input", ask, clerk, reason=" ")
    refused("invalid_input", ask, clerk, "check_in")


def test_it_is_asked_for_once_at_a_time(asked, clerk, boss):
    refused("approval_pending", ask, clerk, object_id=asked.object_id)
    approvals.refuse(asked.pk, user=boss, at=timezone.now())
    assert ask(clerk, object_id=asked.object_id).decided_at is None


# --- Who could sign in as the other decides nothing for them ---

NEW = {"password1": "a new demo password", "password2": "a new demo password"}


def by_password(browser: Client, user: User) -> None:
    assert browser.post(f"/admin/auth/user/{user.pk}/password/", NEW).status_code == 302


def by_second_factor(browser: Client, user: User) -> None:
    assert browser.post(f"/admin/auth/user/{user.pk}/second-factor/").status_code == 302


def by_groups(browser: Client, user: User) -> None:
    groups = Group.objects.filter(name__in=["supervisor", "finance"]).values_list("pk", flat=True)
    assert change_user(browser, user, is_staff="on", groups=list(groups)) == 302


def by_a_group_of_theirs(browser: Client, user: User) -> None:
    group = Group.objects.create(name="night shift")
    user.groups.add(group)
    rights = list(Permission.objects.filter(codename="approve_waiver").values_list("pk", flat=True))
    body = {"name": group.name, "permissions": rights}
    assert browser.post(f"/admin/auth/group/{group.pk}/change/", body).status_code == 302


@pytest.fixture
def head() -> User:
    """An administrator who works in reservations besides, and supervises."""
    return user_with("administrator", "reservations", "supervisor", name="head")


@pytest.mark.parametrize("power", [by_password, by_second_factor, by_groups, by_a_group_of_theirs])
@pytest.mark.parametrize("is_late", [False, True])
def test_who_had_power_over_the_second_person_gets_no_word_of_theirs(head, boss, power, is_late):
    if is_late:
        asked = ask(head)
        power(signed_in(head), boss)
    else:
        power(signed_in(head), boss)
        asked = ask(head)
    refused("not_independent", approvals.grant, asked.pk, user=boss, at=timezone.now())
    assert approvals.grant(asked.pk, user=user_with("finance"), at=timezone.now()).is_granted


def test_a_second_person_who_had_power_over_who_asked_decides_nothing(head, clerk):
    by_password(signed_in(head), clerk)
    asked = ask(clerk)
    refused("not_independent", approvals.grant, asked.pk, user=head, at=timezone.now())
    assert approvals.refuse(asked.pk, user=head, at=timezone.now()).is_granted is False


def test_nobody_makes_their_own_second_person_superusers_neither():
    root = User.objects.create_superuser("root")
    browser = signed_in(root)
    browser.post("/admin/auth/user/add/", {"username": "puppet", "usable_password": "true", **NEW})
    puppet = User.objects.get(username="puppet")
    User.objects.filter(pk=puppet.pk).update(is_staff=True, is_superuser=True)
    puppet.refresh_from_db()
    refused("not_independent", approvals.grant, ask(root).pk, user=puppet, at=timezone.now())


def test_exchanged_permissions_of_a_user_are_an_event(boss):
    old, new = (Permission.objects.get(codename=name) for name in ("board", "approve_waiver"))
    boss.user_permissions.add(old)
    groups = list(boss.groups.values_list("pk", flat=True))
    browser = signed_in(User.objects.create_superuser("root"))
    assert change_user(browser, boss, is_staff="on", groups=groups, user_permissions=[new.pk]) == 302
    event = Event.objects.get(action="user.changed")
    assert (event.before["permissions"], event.after["permissions"]) == (
        ["skybridge.board"], ["skybridge.approve_waiver"],
    )  # fmt: skip


def test_it_counts_for_thirty_days(head, boss):
    by_password(signed_in(head), boss)
    later = timezone.now() + timedelta(days=30, minutes=1)
    assert approvals.grant(ask(head, at=later).pk, user=boss, at=later).is_granted


def test_the_database_refuses_a_grant_by_oneself(asked):
    own = {"decided_by": asked.asked_by, "decided_at": timezone.now(), "is_granted": True}
    with pytest.raises(IntegrityError, match="approval_by_another"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(**own)
