"""Statements and settlements over the API: whose they are, what they add up to, and what they refuse."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from partners import ledger
from partners.models import Account, LedgerEntry
from skybridge.events import system
from skybridge.models import Event
from tests.conftest import Api
from tests.contract.operations import refusal, unknown_id

STATEMENT, CSV, SETTLEMENTS = "/api/v1/statement", "/api/v1/statement.csv", "/api/v1/settlements"
pytestmark = pytest.mark.django_db


def owe(api: Api, amount, *, reference: str = "", currency: str = "USD", days_ago: int = 0) -> str:
    """Let an agency or traveller owe an amount; return the account's code."""
    owner = (api.id, "") if "x-api-key" in api.headers else (None, api.id)
    code, amount = ledger.open_account(*owner, currency), Decimal(amount)
    legs = [(code, amount), (f"sales:{currency}", -amount)]
    at = timezone.now() - timedelta(days=days_ago)
    ledger.post("sale", legs, currency=currency, reference=reference, at=at)
    return code


def settlement(api: Api, amount=50, **more) -> dict:
    return {"agency_id": api.id, "amount": amount, "currency": "USD", "reference": "Transfer 7"} | more


@pytest.fixture
def today():
    return timezone.now().date()


@pytest.mark.parametrize("who", ["acme", "agent", "traveller"])
def test_everybody_reads_its_own(who, acme, request, today):
    owner = request.getfixturevalue(who)
    code = owe(owner if who == "traveller" else acme, "80.5", reference="two seats")
    found = owner.get(STATEMENT).json()
    assert found["account"] == code
    assert (found["from"], found["to"], found["currency"]) == (str(today.replace(day=1)), str(today), "USD")
    [line] = found["lines"]
    assert (line["kind"], line["reference"], line["order_id"]) == ("sale", "two seats", None)
    assert (line["debit"], line["credit"], line["balance"], found["closing_balance"]) == (80.5, 0, 80.5, 80.5)


def test_a_period_opens_where_the_one_before_closed(acme, today):
    owe(acme, 100, days_ago=40)
    owe(acme, "-30.25", days_ago=20)
    owe(acme, 5)
    early = acme.get(f"{STATEMENT}?from={today - timedelta(days=50)}&to={today - timedelta(days=30)}").json()
    late = acme.get(f"{STATEMENT}?from={today - timedelta(days=29)}&to={today}").json()
    assert (early["opening_balance"], early["closing_balance"]) == (0, 100)
    assert (late["opening_balance"], late["closing_balance"]) == (100, 74.75)
    assert [line["credit"] for line in late["lines"]] == [30.25, 0]


def test_each_currency_has_its_own(acme):
    owe(acme, 80)
    code = ledger.open_account(UUID(acme.id), "", "JPY")
    ledger.set_credit_limit(code, Decimal(500), actor=system("test"), at=timezone.now())
    owe(acme, 500, currency="JPY")
    found = acme.get(f"{STATEMENT}?currency=JPY").json()
    assert (found["closing_balance"], found["account"]) == (500, f"agency:{acme.id}:JPY")


def test_no_account_is_an_empty_statement(acme, traveller):
    for caller in (acme, traveller):
        found = caller.get(STATEMENT).json()
        assert (found["opening_balance"], found["lines"], found["closing_balance"]) == (0, [], 0)


def test_a_rival_sees_nothing_of_it(acme, zenith, agent):
    owe(acme, 80)
    assert zenith.get(STATEMENT).json()["lines"] == []
    for path in (STATEMENT, CSV):
        refusal(zenith.get(f"{path}?agency={acme.id}"), 403, "forbidden")
        assert acme.get(f"{path}?agency={acme.id}").status_code == 200
        assert agent.get(f"{path}?agency={acme.id}").status_code == 200


def test_a_traveller_names_no_agency(acme, traveller):
    refusal(traveller.get(f"{STATEMENT}?agency={acme.id}"), 403, "forbidden")


def test_staff_names_the_agency(acme, staff):
    owe(acme, 80)
    assert staff.get(f"{STATEMENT}?agency={acme.id}").json()["closing_balance"] == 80
    refusal(staff.get(STATEMENT), 400, "missing_fields")
    refusal(staff.get(f"{STATEMENT}?agency={unknown_id()}"), 404, "agency_not_found")


@pytest.mark.parametrize(
    ("period", "pointer"),
    [
        ("from=2026-02-02&to=2026-02-01", "/from"),
        ("from=2025-01-01&to=2026-01-02", "/from"),
        ("from=1999-12-31&to=2000-01-01", "/from"),
        ("to=9999-12-31", "/from"),
        ("from=0001-01-01", "/from"),
        ("from=x", "/from"),
        ("to=2026-02-30", "/to"),
        ("currency=usd", "/currency"),
        ("currency=US1", "/currency"),
        ("agency=1", "/agency"),
    ],
)
def test_periods_that_nobody_can_ask_for(acme, period, pointer):
    for path in (STATEMENT, CSV):
        problem = refusal(acme.get(f"{path}?{period}"), 400, "invalid_input")
        assert problem["errors"][0]["pointer"] == pointer


def test_a_year_is_the_longest_period(acme):
    assert acme.get(f"{STATEMENT}?from=2024-01-01&to=2024-12-31").status_code == 200


def test_a_statement_costs_one_query_however_long_it_is(acme, django_assert_num_queries):
    for amount in range(1, 30):
        owe(acme, amount)
    acme.get(STATEMENT)  # the key is known from here on
    with django_assert_num_queries(1):
        assert len(acme.get(STATEMENT).json()["lines"]) == 29


def test_the_csv_has_the_same_lines(acme, today):
    owe(acme, "80.5", reference="a, b")
    owe(acme, -90)
    answer = acme.get(CSV)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].endswith(f'"statement-{today.replace(day=1)}-{today}.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["kind"] for row in rows] == ["opening balance", "sale", "sale", "closing balance"]
    assert [row["balance"] for row in rows] == ["0.00", "80.50", "-9.50", "-9.50"]
    assert (rows[1]["reference"], rows[1]["debit"], rows[2]["credit"]) == ("a, b", "80.50", "90.00")


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula_in_a_spreadsheet(acme, formula):
    owe(acme, 1, reference=formula)
    rows = list(csv.DictReader(io.StringIO(acme.get(CSV).content.decode(), newline="")))
    assert rows[1]["reference"] == f"'{formula}"


# --- Settlements ---


def test_staff_records_what_an_agency_has_paid(acme, staff):
    code = owe(acme, 80)
    answer = staff.post(SETTLEMENTS, settlement(acme, 50.5))
    assert answer.status_code == 201
    made = answer.json()
    assert {name: made[name] for name in ("account", "amount", "currency", "reference", "balance")} == {
        "account": code, "amount": 50.5, "currency": "USD", "reference": "Transfer 7", "balance": 29.5,
    }  # fmt: skip
    assert str(LedgerEntry.objects.get(account=code, kind="settlement").posting_id) == made["posting_id"]
    event = Event.objects.get(action="account.settled")
    assert (str(event.subject_id), event.actor_kind, event.door) == (acme.id, "staff", "api")
    assert acme.get(STATEMENT).json()["lines"][-1]["credit"] == 50.5


def test_an_agency_may_pay_before_it_has_bought(acme, staff):
    assert staff.post(SETTLEMENTS, settlement(acme)).json()["balance"] == -50
    assert Account.objects.get(agency=acme.id).credit_limit is None


def test_a_repeated_settlement_counts_once(acme, staff):
    for _ in range(2):
        assert staff.post(SETTLEMENTS, settlement(acme), Idempotency_Key="one").status_code == 201
    assert Account.objects.get(agency=acme.id).balance == -50


@pytest.mark.parametrize("who", ["acme", "zenith", "agent", "traveller", "nobody"])
def test_only_staff_records_settlements(who, acme, request):
    owe(acme, 80)
    refusal(request.getfixturevalue(who).post(SETTLEMENTS, settlement(acme)), 403, "forbidden")
    assert Account.objects.get(agency=acme.id).balance == 80
    assert not LedgerEntry.objects.filter(kind="settlement").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -5),
        ("amount", 0.001),
        ("amount", 1.005),
        ("amount", "5"),
        ("amount", True),
        ("amount", None),
        ("amount", 10**11),
        ("amount", 10**400),
        ("agency_id", "1"),
        ("currency", "dollars"),
        ("currency", "usd"),
        ("reference", ""),
        ("reference", "x" * 201),
        ("surprise", 1),
    ],
)
def test_settlements_that_nobody_can_record(acme, staff, field, value):
    problem = refusal(staff.post(SETTLEMENTS, settlement(acme, **{field: value})), 400, "invalid_input")
    assert problem["errors"][0]["pointer"] == f"/{field}"
    assert not LedgerEntry.objects.exists()


def test_an_unknown_agency_settles_nothing(acme, staff):
    refusal(staff.post(SETTLEMENTS, settlement(acme, agency_id=unknown_id())), 404, "agency_not_found")
    assert not Account.objects.exists()


def test_a_traveller_settles_what_it_owes(staff, traveller):
    code = ledger.open_account(None, traveller.id, "USD")
    ledger.post("sale", [(code, Decimal(80)), ("sales:USD", Decimal(-80))], currency="USD", at=timezone.now())
    body = {"customer_id": traveller.id, "amount": 80, "reference": "T 2"}
    assert staff.post(SETTLEMENTS, body).json()["balance"] == 0
    assert traveller.get(STATEMENT).json()["closing_balance"] == 0


def test_a_traveller_who_never_owed_anything_settles_nothing(staff):
    refusal(staff.post(SETTLEMENTS, {"customer_id": "nobody", "amount": 80, "reference": "T 2"}), 404, "not_found")
    assert not Account.objects.exists()


def test_one_owner_is_named(acme, staff):
    both = {"agency_id": acme.id, "customer_id": "ada", "amount": 80, "reference": "T 2"}
    refusal(staff.post(SETTLEMENTS, both), 400, "invalid_input")
    neither = refusal(staff.post(SETTLEMENTS, {"amount": 80, "reference": "T 2"}), 400, "missing_fields")
    assert neither["message"] == "Missing required field: agency_id"
