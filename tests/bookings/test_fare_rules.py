"""What goes back and what is due, worked out by hand; whatever the rules, the parts add up to what was paid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.fare_rules import (
    Basis,
    SoldCoupon,
    cancellation_terms,
    carried_over,
    exchange_settlement,
    is_changeable,
)
from flights.fares import FareRules
from flights.models import Flight
from skybridge.money import rounded
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, counters, coupons_of, query
from ticketing.documents import CouponFacts

ISSUED = datetime(2027, 3, 10, 18, tzinfo=UTC)
SOON, LATE = ISSUED + timedelta(days=5), ISSUED + timedelta(days=30)
SAME_DAY, NEXT_DAY, LATER = ISSUED + timedelta(hours=5), ISSUED + timedelta(hours=20), ISSUED + timedelta(days=2)
TAXES = {
    "USD": [("US", "7.50", False), ("AY", "5.60", True)],
    "JPY": [("SW", "290", False), ("OI", "610", True)],
    "KWD": [("YX", "1.250", False), ("N4", "2.005", True)],
}


def rules(refundable: bool = False, cancel: str = "75", change: str = "50", **more) -> FareRules:
    usual = FareRules(refundable, True, Decimal(change), Decimal(cancel), 24, 7, True)
    return usual._replace(**more)


def tax_lines(lines) -> list[dict]:
    return [{"code": code, "amount": amount, "refundable": refundable} for code, amount, refundable in lines]


def sold(fare: str = "100.00", currency: str = "USD", by: FareRules | None = None, **more) -> SoldCoupon:
    known = {"taxes": tax_lines(TAXES[currency]), "rules": by or rules(), "issued_at": ISSUED, "departs_at": LATE}
    return SoldCoupon(uuid4(), uuid4(), currency, Decimal(fare), **{**known, **more})


def priced(fare: str, taxes=TAXES["USD"]) -> CouponFacts:
    lines = tax_lines(taxes)
    return CouponFacts(uuid4(), 1, None, "Y", "O", "YXOW", "USD", Decimal(fare), Decimal(0), lines, {})


# coupon, moment -> basis, fare back, taxes back, penalty, kept
CASES = {
    "void on the day of issue": (sold(), SAME_DAY, "void", "100.00", "13.10", "0", "0"),
    "24 hours, a month ahead": (sold(), NEXT_DAY, "free_cancellation", "100.00", "13.10", "0", "0"),
    "24 hours, five days ahead": (sold(departs_at=SOON), NEXT_DAY, "not_refundable", "0", "5.60", "0", "107.50"),
    "exactly seven days ahead": (
        sold(departs_at=ISSUED + timedelta(days=7)), NEXT_DAY, "free_cancellation", "100.00", "13.10", "0", "0",
    ),
    "exactly 24 hours": (sold(), ISSUED + timedelta(hours=24), "free_cancellation", "100.00", "13.10", "0", "0"),
    "a moment after 24 hours": (
        sold(), ISSUED + timedelta(hours=24, microseconds=1), "not_refundable", "0", "5.60", "0", "107.50",
    ),
    "no void by its rules": (
        sold(by=rules(void_same_day=False), departs_at=SOON), SAME_DAY, "not_refundable", "0", "5.60", "0", "107.50",
    ),
    "no free hours by its rules": (sold(by=rules(free_cancel_hours=0)), NEXT_DAY, "not_refundable", "0", "5.60", "0",
                                   "107.50"),
    "not refundable": (sold(), LATER, "not_refundable", "0", "5.60", "0", "107.50"),
    "refundable": (sold(by=rules(True)), LATER, "refundable", "25.00", "13.10", "75", "0"),
    "refundable without a fee": (sold(by=rules(True, "0")), LATER, "refundable", "100.00", "13.10", "0", "0"),
    "a fee above the fare": (sold("20.00", by=rules(True)), LATER, "refundable", "0", "13.10", "20.00", "0"),
    "an infant without fixed taxes": (
        sold("10.00", by=rules(True), taxes=tax_lines([("US", "0.75", False)])), LATER, "refundable", "0", "0.75",
        "10.00", "0",
    ),
    "no taxes at all": (sold(taxes=[]), LATER, "not_refundable", "0", "0", "0", "100.00"),
    "yen": (sold("14000", "JPY", rules(True, "9900")), LATER, "refundable", "4100", "900", "9900", "0"),
    "yen, not refundable": (sold("14000", "JPY"), LATER, "not_refundable", "0", "610", "0", "14290"),
    "dinars": (sold("61.125", "KWD", rules(True, "22.505")), LATER, "refundable", "38.620", "3.255", "22.505", "0"),
    "dinars, not refundable": (sold("61.125", "KWD"), LATER, "not_refundable", "0", "2.005", "0", "62.375"),
    "a cancelled flight": (sold(is_flight_cancelled=True), LATER, "involuntary", "100.00", "13.10", "0", "0"),
    "sold, ticket not issued yet": (sold(issued_at=None), LATER, "void", "100.00", "13.10", "0", "0"),
    "not sold": (sold(is_sold=False), SAME_DAY, "not_sold", "0", "0", "0", "0"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_comes_of_a_coupon(case):
    coupon, at, basis, *amounts = case
    [terms] = cancellation_terms([coupon], at).coupons
    assert terms.basis == Basis(basis)
    found = (terms.fare_refund_amount, terms.tax_refund_amount, terms.penalty_amount, terms.kept_amount)
    assert found == tuple(map(Decimal, amounts))
    assert sum(found) == coupon.paid_amount


def test_the_day_of_issue_ends_at_midnight_utc():
    coupon = sold(departs_at=SOON)
    last, first = datetime(2027, 3, 10, 23, 59, 59, tzinfo=UTC), datetime(2027, 3, 11, tzinfo=UTC)
    assert cancellation_terms([coupon], last).refund_amount == Decimal("113.10")
    assert cancellation_terms([coupon], first).refund_amount == Decimal("5.60")


def test_several_coupons_add_up_by_their_own_rules():
    """Refundable: 100 - 75 and 13.10; not refundable: 5.60 of 113.10."""
    terms = cancellation_terms([sold(by=rules(True)), sold()], LATER)
    assert (terms.refund_amount, terms.penalty_amount, terms.kept_amount) == (
        Decimal("43.70"), Decimal("75"), Decimal("107.50"),
    )  # fmt: skip
    settlement = terms.settlement
    assert settlement.due_amount == Decimal("-43.70")
    assert settlement.lines == [
        {"code": "FARE", "amount": "-100.00"},
        {"code": "US", "amount": "-7.50"},
        {"code": "AY", "amount": "-11.20"},
        {"code": "PENALTY", "amount": "75.00"},
    ]


def test_one_cancelled_flight_gives_the_whole_journey_back():
    terms = cancellation_terms([sold(is_flight_cancelled=True), sold()], LATER)
    assert (terms.refund_amount, terms.penalty_amount, terms.kept_amount) == (Decimal("226.20"), 0, 0)
    assert cancellation_terms([sold()], LATER, involuntary=True).refund_amount == Decimal("113.10")


def test_nothing_given_up_gives_nothing_back():
    terms = cancellation_terms([], LATER)
    assert (terms.refund_amount, terms.settlement.due_amount, terms.settlement.lines) == (0, 0, [])


DEARER, CHEAPER = [("US", "10.50", False), ("AY", "5.60", True)], [("US", "4.50", False), ("AY", "2.60", True)]
# old coupon, new fare and taxes, moment -> due, penalty, kept
EXCHANGES = {
    "dearer, for a fee": (sold(), "140.00", DEARER, LATER, "93.00", "50", "0"),
    "dearer, on the day of issue": (sold(), "140.00", DEARER, SAME_DAY, "43.00", "0", "0"),
    "dearer, within 24 hours": (sold(), "140.00", DEARER, NEXT_DAY, "43.00", "0", "0"),
    "same price, for a fee": (sold(), "100.00", TAXES["USD"], LATER, "50.00", "50", "0"),
    "cheaper, not refundable": (sold(), "60.00", CHEAPER, LATER, "47.00", "50", "43.00"),
    "cheaper, refundable": (sold(by=rules(True)), "60.00", CHEAPER, LATER, "4.00", "50", "0"),
    "cheaper, refundable, no fee": (sold(by=rules(True, change="0")), "60.00", CHEAPER, LATER, "-46.00", "0", "0"),
    "cheaper, on the day of issue": (sold(), "60.00", CHEAPER, SAME_DAY, "-46.00", "0", "0"),
    "dearer after a cancellation": (sold(is_flight_cancelled=True), "140.00", DEARER, LATER, "43.00", "0", "0"),
    "a tax that falls away": (sold(), "100.00", [("US", "7.50", False)], LATER, "44.40", "50", "0"),
    "a tax that is new": (sold(), "100.00", [*TAXES["USD"], ("XF", "4.50", False)], LATER, "54.50", "50", "0"),
    "not sold": (sold(is_sold=False), "140.00", DEARER, LATER, "0", "0", "0"),
}


@pytest.mark.parametrize("case", EXCHANGES.values(), ids=EXCHANGES)
def test_what_an_exchange_costs(case):
    old, fare, taxes, at, *amounts = case
    new = priced(fare, taxes)
    settlement = exchange_settlement([(old, new)], at)
    found = (settlement.due_amount, settlement.penalty_amount, settlement.kept_amount)
    assert found == tuple(map(Decimal, amounts))
    worth = new.fare_amount + sum(Decimal(line["amount"]) for line in new.taxes)
    if old.is_sold:
        assert settlement.due_amount == worth - old.paid_amount + settlement.penalty_amount + settlement.kept_amount


def test_a_fare_without_changes_can_be_changed_in_the_free_hours_only():
    fixed = sold(by=rules(is_changeable=False))
    assert is_changeable(fixed, SAME_DAY, involuntary=False)
    assert is_changeable(fixed, LATER, involuntary=True)
    assert not is_changeable(fixed, LATER, involuntary=False)


def test_an_exchange_opens_no_new_free_window_and_no_way_around_a_fare():
    new = rules(True).snapshot("USD")
    kept = carried_over(sold(), new)
    assert kept["first_issued_at"] == ISSUED.isoformat()
    assert not FareRules.of(kept).is_refundable
    assert FareRules.of(carried_over(sold(by=rules(True)), new)).is_refundable
    assert FareRules.of(carried_over(sold(by=rules(True)), {})).cancel_fee_amount == 0


amounts = st.decimals(0, 5000, places=3)
currencies = st.sampled_from(["USD", "JPY", "KWD", "CLF"])


@st.composite
def coupons(draw, currency: str) -> SoldCoupon:
    def money() -> Decimal:
        return rounded(draw(amounts), currency)

    lines = [(code, str(money()), draw(st.booleans())) for code in draw(st.sets(st.sampled_from(["A1", "B2", "C3"])))]
    by = rules(draw(st.booleans()), str(money()), str(money()), void_same_day=draw(st.booleans()))
    return sold(
        str(money()), currency if currency in TAXES else "USD", by, taxes=tax_lines(lines),
        issued_at=draw(st.sampled_from([ISSUED, None])), departs_at=draw(st.sampled_from([SOON, LATE, None])),
        is_sold=draw(st.booleans()), is_flight_cancelled=draw(st.booleans()),
    )._replace(currency=currency)  # fmt: skip


@given(st.data(), currencies, st.sampled_from([SAME_DAY, NEXT_DAY, LATER]), st.booleans())
def test_refund_penalty_and_kept_add_up_to_what_was_paid(data, currency, at, involuntary):
    given_up = data.draw(st.lists(coupons(currency), max_size=6))
    terms = cancellation_terms(given_up, at, involuntary=involuntary)
    paid = sum((coupon.paid_amount for coupon in given_up), Decimal(0))
    parts = (terms.fare_refund_amount, terms.tax_refund_amount, terms.penalty_amount, terms.kept_amount)
    assert sum(parts) == paid
    assert all(part == rounded(part, currency) >= 0 for part in parts)
    assert terms.refund_amount == -terms.settlement.due_amount <= paid
    assert sum(Decimal(line["amount"]) for line in terms.settlement.lines) == terms.settlement.due_amount


@given(st.data(), currencies, st.sampled_from([SAME_DAY, NEXT_DAY, LATER]))
def test_an_exchange_gives_back_at_most_what_was_paid(data, currency, at):
    old, other = data.draw(coupons(currency)), data.draw(coupons(currency))
    new = CouponFacts(uuid4(), 1, None, "Y", "O", "", currency, other.fare_amount, Decimal(0), list(other.taxes), {})
    settlement = exchange_settlement([(old, new)], at)
    assert settlement.refund_amount <= old.paid_amount
    assert min(settlement.penalty_amount, settlement.kept_amount) >= 0
    if old.is_sold:
        worth = new.fare_amount + sum(Decimal(line["amount"]) for line in new.taxes)
        assert settlement.due_amount == worth - old.paid_amount + settlement.penalty_amount + settlement.kept_amount


# --- In bookings ---


def test_the_rules_are_fixed_at_the_sale(acme, flight):
    booking = confirmed(acme, flight)
    query("UPDATE flights_fare SET is_refundable = true, change_fee_amount = 1")
    [coupon] = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["tickets"][0]["coupons"]
    assert coupon["fare_rules"] == {
        "is_refundable": False, "is_changeable": True, "change_fee_amount": 99, "cancel_fee_amount": 99,
        "free_cancel_hours": 24, "free_cancel_days_ahead": 7, "void_same_day": True, "involuntary_until": None,
    }  # fmt: skip
    [cabin] = acme.get(f"/api/v1/flights/{flight.pk}").json()["cabins"]
    assert (cabin["fare_rules"]["is_refundable"], cabin["fare_rules"]["change_fee_amount"]) == (True, 1)


def refundable_tax(booking: dict) -> float:
    taxes = [tax for ticket in booking["tickets"] for coupon in ticket["coupons"] for tax in coupon["taxes"]]
    return sum(tax["amount"] for tax in taxes if tax["refundable"])


@pytest.mark.parametrize(("action", "letter"), [("cancel", "V"), ("refund", "R")])
def test_the_next_day_only_refundable_taxes_of_a_cheap_fare_go_back(acme, flight, pass_time, action, letter):
    booking = confirmed(acme, flight, passengers=["ADT", "CHD", "INF"])
    pass_time(days=1)
    ended = act(acme, booking, action).json()
    assert ended["refunded_amount"] == pytest.approx(refundable_tax(booking)) == 11.2
    assert coupons_of(booking) == [letter] * 3
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_on_the_day_of_issue_everything_goes_back(acme, flight, action):
    booking = confirmed(acme, flight, passengers=["ADT", "INF"])
    assert act(acme, booking, action).json()["refunded_amount"] == booking["total_amount"] > 0


def test_a_cancelled_flight_gives_everything_back(acme, flight, pass_time):
    back = factories.flight("LAX", "JFK")
    booking = confirmed(acme, flight, back)
    Flight.objects.filter(pk=back.pk).update(status=Flight.Status.CANCELLED)
    pass_time(days=1)
    assert act(acme, booking, "cancel").json()["refunded_amount"] == booking["total_amount"]


def test_a_pending_booking_gives_nothing_back(acme, flight):
    assert act(acme, book(acme, flight), "cancel").json()["refunded_amount"] == 0


def test_a_coupon_sold_before_there_were_rules_is_refunded_whole(acme, flight, pass_time):
    booking = confirmed(acme, flight)
    query("UPDATE ticketing_coupon SET fare_rules = '{}'")
    pass_time(days=1)
    assert act(acme, booking, "refund").json()["refunded_amount"] == booking["total_amount"]


def test_business_pays_its_small_fee(acme, pass_time):
    flight = factories.flight(seats={"J": 4})
    body = {"flights": [{"event_id": str(flight.pk), "cabin": "J"}], "seats": 2}
    booking = acme.post("/api/v1/bookings", body).json()
    assert act(acme, booking, "confirm").status_code == 200
    pass_time(days=1)
    assert act(acme, booking, "refund").json()["refunded_amount"] == pytest.approx(booking["total_amount"] - 50)


def test_changing_the_date_and_cancelling_at_once_is_no_way_around_the_fare(acme, flight, pass_time):
    later = factories.flight(number=123, carrier="FL", departs_at=flight.departs_at + timedelta(days=1))
    booking = confirmed(acme, flight)
    pass_time(days=1)
    assert change(acme, booking, departureDate=str(later.departure_date)).status_code == 200
    assert act(acme, booking, "cancel").json()["refunded_amount"] == 5.6


def test_a_fare_without_changes_is_refused(acme, flight, pass_time):
    later = factories.flight(number=123, carrier="FL", departs_at=flight.departs_at + timedelta(days=1))
    query("UPDATE flights_fare SET is_changeable = false")
    booking = confirmed(acme, flight)
    pass_time(days=1)
    response = change(acme, booking, departureDate=str(later.departure_date))
    assert (response.status_code, response.json()["code"]) == (409, "not_changeable")
    assert coupons_of(booking) == ["O"]
