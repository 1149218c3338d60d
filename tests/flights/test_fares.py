from datetime import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from flights.fares import BASE_SHARE, FareRules, base_fare, day_mark, distance_mi, fare_for, price_for, tax_lines
from flights.models import Airport, Cabin, Fare
from skybridge.money import rounded
from tests import factories


def airport(iata: str, latitude: float, longitude: float, country: str = "US") -> Airport:
    return Airport(iata=iata, latitude=latitude, longitude=longitude, country=country)


JFK, LAX = airport("JFK", 40.64, -73.78), airport("LAX", 33.94, -118.41)
CDG, GRU = airport("CDG", 49.01, 2.55, "FR"), airport("GRU", -23.44, -46.47, "BR")


def test_distance_is_the_great_circle_in_miles():
    assert distance_mi(JFK, LAX) == pytest.approx(2470, abs=2)
    assert distance_mi(JFK, CDG) == pytest.approx(3631, abs=8)
    assert distance_mi(JFK, JFK) == 0


def test_the_formula():
    assert base_fare(1000, "Y", "X", "USD") == Decimal("119.00")
    assert base_fare(2475, "Y", "X", "USD") == Decimal("207.75")
    assert base_fare(1000, "J", "W", "USD") == Decimal("399.84")
    assert base_fare(1001, "Y", "N", "JPY") == Decimal("95")


@pytest.mark.parametrize(
    ("departs", "mark"),
    [
        (datetime(2027, 3, 11, 10), "X"),  # Thursday
        (datetime(2027, 3, 12, 10), "W"),  # Friday
        (datetime(2027, 3, 14, 10), "W"),  # Sunday
        (datetime(2027, 3, 15, 6), "X"),
        (datetime(2027, 3, 15, 5, 59), "N"),
        (datetime(2027, 3, 12, 22), "N"),
    ],
)
def test_weekday_weekend_and_night(departs, mark):
    assert day_mark(departs) == mark


def codes(origin: Airport, destination: Airport) -> list[str]:
    return [line["code"] for line in fare_for(origin, destination, "Y", "X").taxes]


def test_tax_lines_by_direction():
    assert codes(JFK, LAX) == ["US", "ZP", "AY", "XF"]
    assert codes(JFK, CDG) == ["AY", "XF"]
    assert codes(CDG, JFK) == ["XT", "XY", "YC", "XA"]
    assert codes(CDG, GRU) == ["XT"]


def test_refundable_taxes():
    refundable = {line["code"]: line["refundable"] for line in tax_lines("US", "US", Decimal(100), "USD")}
    assert refundable == {"US": False, "ZP": False, "AY": True, "XF": False}
    assert all(line["refundable"] for line in tax_lines("FR", "US", Decimal(100), "USD"))


def test_what_each_passenger_type_pays():
    base = Decimal("207.75")
    taxes = tax_lines("US", "US", base, "USD")
    fare = Fare(base_amount=base, taxes=taxes, currency="USD", total_amount=Decimal("238.63"))
    adult, child, lap = (price_for(fare, kind) for kind in ("ADT", "CHD", "INF"))
    assert adult == (fare.base_amount, fare.taxes, fare.total_amount)
    assert child.base_amount == Decimal("155.81")
    assert [line["amount"] for line in child.taxes] == ["11.69", "5.20", "5.60", "4.50"]
    assert lap.base_amount == Decimal("20.78")
    assert [(line["code"], line["amount"]) for line in lap.taxes] == [("US", "1.56")]


@pytest.mark.parametrize(
    ("cabin", "mark", "expected"),
    [
        ("Y", "X", (False, 99, 99)),
        ("Y", "N", (False, 99, 99)),
        ("Y", "W", (True, 75, 50)),
        ("W", "X", (True, 75, 50)),
        ("J", "X", (True, 25, 0)),
        ("F", "N", (True, 0, 0)),
    ],
)
def test_rules_by_fare_basis(cabin, mark, expected):
    fare = fare_for(JFK, LAX, cabin, mark)
    assert (fare.is_refundable, fare.cancel_fee_amount, fare.change_fee_amount) == expected
    assert (fare.is_changeable, fare.void_same_day, fare.free_cancel_hours, fare.free_cancel_days_ahead) == (
        True, True, 24, 7,
    )  # fmt: skip


@pytest.mark.parametrize(("currency", "fee"), [("USD", "75.50"), ("JPY", "76"), ("KWD", "75.500")])
def test_a_snapshot_of_rules_has_the_currencys_places(currency, fee):
    rules = FareRules(True, True, Decimal("0"), Decimal("75.5"), 24, 7, True)
    snapshot = rules.snapshot(currency)
    assert snapshot["cancel_fee_amount"] == fee
    assert FareRules.of(snapshot).snapshot(currency) == snapshot


def test_without_rules_everything_goes_back():
    assert FareRules.of({}) == FareRules(True, True, Decimal(0), Decimal(0), 24, 7, True)


def test_imported_fares_have_rules_and_raw_ones_the_defaults(db):
    made = factories.fare(factories.airport("JFK"), factories.airport("LAX"), "J")
    assert Fare.objects.get(pk=made.pk).cancel_fee_amount == 25
    raw = """INSERT INTO flights_fare (origin_id, destination_id, cabin, fare_basis, currency, base_amount, taxes,
        total_amount) VALUES ('JFK', 'LAX', 'Y', 'OWN', 'USD', 10, '[]', 10)"""
    with connection.cursor() as cursor:
        cursor.execute(raw)
    own = Fare.objects.get(fare_basis="OWN")
    assert (own.is_refundable, own.is_changeable, own.change_fee_amount, own.void_same_day) == (False, True, 0, True)
    with pytest.raises(IntegrityError, match="fees_not_negative"), transaction.atomic():
        Fare.objects.filter(pk=own.pk).update(change_fee_amount=-1)


currencies = st.sampled_from(["USD", "JPY", "KWD", "CLF"])


@given(st.integers(0, 12_000), st.sampled_from(Cabin.values), st.sampled_from("XWN"), currencies)
def test_a_price_adds_up_and_has_the_currencys_places(miles, cabin, mark, currency):
    base = base_fare(miles, cabin, mark, currency)
    taxes = tax_lines("US", "US", base, currency)
    fare = Fare(base_amount=base, taxes=taxes, currency=currency)
    for passenger_type in BASE_SHARE:
        price = price_for(fare, passenger_type)
        amounts = [price.base_amount, *(Decimal(line["amount"]) for line in price.taxes)]
        assert price.total_amount == sum(amounts)
        assert all(amount == rounded(amount, currency) >= 0 for amount in amounts)
        assert price.total_amount <= price_for(fare, "ADT").total_amount
