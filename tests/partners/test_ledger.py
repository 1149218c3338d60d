"""Postings: balanced, append-only, within the credit limit; accounts and what staff does with them."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from partners import ledger
from partners.exceptions import CreditLimitExceeded
from partners.models import Account, LedgerEntry
from skybridge.events import Actor
from skybridge.exceptions import InvalidInput, NotFound
from skybridge.models import Event
from tests.bookings.sales import query
from tests.partners.conftest import check_books

STAFF = Actor("staff", "1", "admin")
SALES, TAXES = "sales:USD", "taxes:USD"


@pytest.fixture
def owner(agency) -> str:
    """The account of an agency with a credit limit of 100 USD."""
    code = ledger.open_account(agency.pk, "", "USD")
    Account.objects.filter(pk=code).update(credit_limit=100)
    return code


def sell(owner: str, amount, **more) -> None:
    amount = Decimal(amount)
    legs = [(owner, amount), (TAXES, -amount / 4), (SALES, -amount * 3 / 4)]
    ledger.post("sale", legs, currency="USD", at=timezone.now(), **more)


def balance(code: str) -> Decimal:
    return Account.objects.get(pk=code).balance


def entries() -> list[tuple]:
    return list(LedgerEntry.objects.order_by("id").values_list("kind", "account_id", "amount"))


def test_a_sale_debits_the_owner_and_credits_the_airline(owner):
    order_id = uuid4()
    sell(owner, 80, order_id=order_id, reference="two seats")
    assert entries() == [("sale", owner, 80), ("sale", TAXES, -20), ("sale", SALES, -60)]
    assert set(LedgerEntry.objects.values_list("order_id", "reference", "currency")) == {(order_id, "two seats", "USD")}
    assert LedgerEntry.objects.values("posting_id").distinct().count() == 1
    assert balance(owner) == 80
    assert (Account.objects.get(pk=SALES).kind, balance(SALES)) == ("sales", 0)
    check_books()


def test_a_posting_is_one_statement(owner, django_assert_num_queries):
    with django_assert_num_queries(1):
        sell(owner, 80)


def test_up_to_the_limit_and_not_beyond(owner):
    sell(owner, 60)
    before = entries()
    with pytest.raises(CreditLimitExceeded) as refused:
        sell(owner, 41)
    assert refused.value.code == "credit_limit_exceeded"
    assert refused.value.details == {"limit": 100.0, "balance": 60.0, "needed": 41.0, "currency": "USD"}
    assert "40.00 USD left" in refused.value.message
    assert (entries(), balance(owner)) == (before, 60)
    sell(owner, 40)
    assert balance(owner) == 100


def test_who_is_over_a_lowered_limit_may_still_pay(owner):
    sell(owner, 80)
    ledger.set_credit_limit(owner, Decimal(50), actor=STAFF, at=timezone.now())
    with pytest.raises(CreditLimitExceeded):
        sell(owner, 1)
    sell(owner, -10)
    assert balance(owner) == 70


def test_money_that_has_moved_is_posted_whatever_the_limit(owner):
    sell(owner, 150, within_limit=False)
    assert balance(owner) == 150


def test_of_two_owners_none_moves_when_one_may_not(owner, zenith):
    rich = ledger.open_account(zenith.id, "", "USD")
    with pytest.raises(CreditLimitExceeded):
        ledger.post("change", [(rich, Decimal(-500)), (owner, Decimal(500))], currency="USD", at=timezone.now())
    assert (balance(rich), balance(owner), entries()) == (0, 0, [])


def test_legs_that_do_not_add_up(owner):
    for legs in ([], [(owner, Decimal(1))], [(owner, Decimal(2)), (SALES, Decimal(-1))], [(owner, Decimal(0))]):
        with pytest.raises(ValueError, match="add up to zero"):
            ledger.post("sale", legs, currency="USD", at=timezone.now())
    assert (entries(), balance(owner)) == ([], 0)


def test_require_credit_reads_only(owner, agency, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert ledger.require_credit(agency.pk, "", "USD", Decimal(100)) == owner
    with pytest.raises(CreditLimitExceeded):
        ledger.require_credit(agency.pk, "", "USD", Decimal("100.01"))
    with pytest.raises(CreditLimitExceeded):  # nothing to spend in another currency, until staff gives it
        ledger.require_credit(agency.pk, "", "EUR", Decimal("0.01"))


def test_accounts_are_opened_once(agency, settings, django_assert_num_queries):
    settings.CUSTOMER_CREDIT_LIMIT = Decimal(7)
    code = ledger.open_account(None, "ada", "USD")
    with django_assert_num_queries(1):
        assert ledger.open_account(None, "ada", "USD") == code == "customer:ada:USD"
    assert Account.objects.get(pk=code).credit_limit == 7
    theirs = ledger.open_account(agency.pk, "ada", "USD")
    assert theirs == ledger.account_code(agency.pk, "ada", "USD") == f"agency:{agency.pk}:USD"
    account = Account.objects.get(pk=theirs)
    assert (account.credit_limit, account.customer_id, account.balance) == (None, "", 0)
    with pytest.raises(ValueError, match="belongs to"):
        ledger.open_account(None, "", "USD")


# --- What the database itself refuses ---

ENTRY = """INSERT INTO partners_ledgerentry (posting_id, at, kind, account_id, amount, currency, reference) VALUES """
ROW = "(%s, now(), 'sale', '{}', {}, '{}', '')"


@pytest.mark.parametrize(
    ("legs", "constraint"),
    [
        ([("owner", 5, "USD")], "posting_is_balanced"),
        ([("owner", 5, "USD"), (SALES, -4, "USD")], "posting_is_balanced"),
        ([("owner", 5, "USD"), ("sales:EUR", -5, "EUR")], "posting_is_balanced"),
        ([("owner", 0, "USD")], "ledger_entry_not_zero"),
        ([("owner", 5, "USD"), ("nobody", -5, "USD")], "entry_has_account"),
        ([("owner", 5, "EUR"), ("owner", -5, "EUR")], "entry_has_account"),
    ],
)
def test_entries_that_the_database_refuses(owner, legs, constraint):
    sell(owner, 1)
    before = entries()
    values = [ROW.format(owner if account == "owner" else account, amount, unit) for account, amount, unit in legs]
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        query(ENTRY + ", ".join(values), *[str(uuid4())] * len(values))
    assert refused.value.__cause__.diag.constraint_name == constraint
    assert entries() == before


def test_two_postings_in_one_statement_balance_each(owner):
    sell(owner, 1)
    with pytest.raises(IntegrityError, match="not balanced"), transaction.atomic():
        query(
            ENTRY + ", ".join([ROW.format(owner, 5, "USD"), ROW.format(SALES, -5, "USD")]), str(uuid4()), str(uuid4())
        )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE partners_ledgerentry SET reference = 'other'",
        "UPDATE partners_ledgerentry SET id = id",
        "DELETE FROM partners_ledgerentry",
        "TRUNCATE partners_ledgerentry",
        "DELETE FROM partners_account",
    ],
)
def test_what_is_written_stays(owner, sql):
    sell(owner, 80)
    before = entries()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        query(sql)
    assert entries() == before != []


def test_an_owner_that_is_not_open_has_no_entries(agency):
    with pytest.raises(IntegrityError, match="no account"), transaction.atomic():
        sell(ledger.account_code(agency.pk, "", "USD"), 80)
    assert not LedgerEntry.objects.exists()


def test_the_airline_has_no_account_of_another_name(owner):
    legs = [(owner, Decimal(1)), ("salez:USD", Decimal(-1))]
    with pytest.raises(IntegrityError, match="account_kind"), transaction.atomic():
        ledger.post("sale", legs, currency="USD", at=timezone.now())
    assert (entries(), balance(owner)) == ([], 0)


# --- What staff does ---


def test_a_settlement_credits_the_agency(owner, agency):
    sell(owner, 80)
    at = timezone.now()
    ledger.settle_account(owner, Decimal("50.5"), actor=STAFF, reference="transfer 7", at=at)
    assert balance(owner) == Decimal("29.5")
    assert entries()[-2:] == [
        ("settlement", "bank:transfer:USD", Decimal("50.5")),
        ("settlement", owner, Decimal("-50.5")),
    ]
    event = Event.objects.get(subject_id=agency.pk, action="account.settled")
    assert (event.actor_kind, event.reason, event.after["amount"]) == ("staff", "transfer 7", "50.5")
    check_books()


@pytest.mark.parametrize("amount", ["0", "-1", "1.001"])
def test_amounts_that_nobody_can_settle(owner, amount):
    with pytest.raises(InvalidInput, match="amount"):
        ledger.settle_account(owner, Decimal(amount), actor=STAFF, reference="", at=timezone.now())
    assert (entries(), balance(owner)) == ([], 0)


@pytest.mark.parametrize("code", ["sales:USD", "agency:nobody:USD"])
def test_accounts_that_nobody_settles(owner, code):
    sell(owner, 1)
    with pytest.raises(NotFound):
        ledger.settle_account(code, Decimal(1), actor=STAFF, reference="", at=timezone.now())


def test_a_credit_limit_changes_with_an_event(owner, agency):
    for _ in range(2):
        ledger.set_credit_limit(owner, Decimal(2500), actor=STAFF, at=timezone.now())
    event = Event.objects.get(subject_id=agency.pk, action="account.changed")
    assert event.before == {"account": owner, "credit_limit": "100"}
    assert event.after == {"account": owner, "credit_limit": "2500"}


# --- Statements ---


def test_a_statement_opens_moves_and_closes(owner):
    today = timezone.now()
    for days, amount in ((40, 10), (5, 20), (0, -5)):
        ledger.post(
            "sale",
            [(owner, Decimal(amount)), (SALES, Decimal(-amount))],
            currency="USD",
            reference=str(days),
            at=today - timedelta(days=days),
        )
    found = ledger.statement(owner, (today - timedelta(days=10)).date(), today.date())
    assert (found.opening, found.closing) == (10, 25)
    assert [line[3:] for line in found.lines] == [("5", 20, 0, 30), ("0", 0, 5, 25)]
    past = ledger.statement(owner, (today - timedelta(days=60)).date(), (today - timedelta(days=20)).date())
    assert (past.opening, [line.balance for line in past.lines], past.closing) == (0, [10], 10)
    between = ledger.statement(owner, (today - timedelta(days=30)).date(), (today - timedelta(days=20)).date())
    assert (between.opening, between.lines, between.closing) == (10, [], 10)


def test_a_statement_without_an_account_is_empty(db, django_assert_num_queries):
    today = timezone.now().date()
    with django_assert_num_queries(1):
        assert ledger.statement("agency:none:USD", today, today)[3:] == (0, [], 0)
