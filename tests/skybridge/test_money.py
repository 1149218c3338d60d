"""Rounding and splitting amounts: the parts always add up to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skybridge.money import MINOR_UNITS, as_number, minor_unit, rounded, split

CURRENCIES = st.sampled_from([*MINOR_UNITS, "USD", "EUR", "BRL", "XYZ"])
UNITS = st.integers(-(10**10), 10**10)
WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**6), st.decimals(0, 10**6, places=4, allow_nan=False)), min_size=1, max_size=30
)


@given(UNITS, WEIGHTS, CURRENCIES)
def test_parts_add_up_exactly(units, weights, currency):
    amount = units * minor_unit(currency)
    parts = split(amount, weights, currency)
    assert sum(parts) == amount
    assert len(parts) == len(weights)


@given(UNITS, WEIGHTS, CURRENCIES)
def test_parts_have_the_currencys_places(units, weights, currency):
    unit = minor_unit(currency)
    for part in split(units * unit, weights, currency):
        assert part == part.quantize(unit)


@given(UNITS, WEIGHTS, CURRENCIES)
def test_each_part_is_less_than_a_unit_from_its_share(units, weights, currency):
    unit, total = minor_unit(currency), sum(weights)
    for part, weight in zip(split(units * unit, weights, currency), weights, strict=True):
        share = units * unit * Decimal(weight) / Decimal(total) if total else units * unit / len(weights)
        assert abs(part - share) < unit


@given(st.integers(0, 10**10), WEIGHTS, CURRENCIES)
def test_parts_keep_the_order_of_their_weights(units, weights, currency):
    """A larger weight never gets less; of equal ones the earlier never gets less."""
    parts = split(units * minor_unit(currency), weights, currency)
    for i in range(len(weights)):
        for j in range(i + 1, len(weights)):
            if weights[i] > weights[j] or (weights[i] == weights[j] and parts[i] != parts[j]):
                assert parts[i] >= parts[j]


@given(st.integers(0, 10**10), WEIGHTS, CURRENCIES)
def test_a_weight_of_zero_gets_nothing(units, weights, currency):
    parts = split(units * minor_unit(currency), [0, *weights, 1], currency)
    assert parts[0] == 0


@pytest.mark.parametrize(
    ("amount", "weights", "currency", "parts"),
    [
        ("10.00", [1, 1, 1], "USD", ["3.34", "3.33", "3.33"]),
        ("0.01", [1, 1, 1], "USD", ["0.01", "0.00", "0.00"]),
        ("0.05", [3, 7], "USD", ["0.02", "0.03"]),
        ("100", [1, 1, 1], "JPY", ["34", "33", "33"]),
        ("1.000", [1, 2], "KWD", ["0.333", "0.667"]),
        ("-0.05", [1, 1], "USD", ["-0.02", "-0.03"]),
        ("9.99", [0, 0, 0], "USD", ["3.33", "3.33", "3.33"]),
        ("0.00", [1, 2], "USD", ["0.00", "0.00"]),
        ("5.00", [0, 5, 0], "USD", ["0.00", "5.00", "0.00"]),
    ],
)
def test_some_splits(amount, weights, currency, parts):
    assert [str(part) for part in split(Decimal(amount), weights, currency)] == parts


@pytest.mark.parametrize(
    ("amount", "weights", "currency"),
    [("1.00", [], "USD"), ("1.00", [1, -1], "USD"), ("1.001", [1], "USD"), ("1.5", [1], "JPY")],
)
def test_what_cannot_be_split(amount, weights, currency):
    with pytest.raises(ValueError, match="cannot split"):
        split(Decimal(amount), weights, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1.005", "USD", "1.01"),
        ("1.0049", "USD", "1.00"),
        ("-1.005", "USD", "-1.01"),
        ("0.5", "JPY", "1"),
        ("2.5", "JPY", "3"),
        ("1.0005", "BHD", "1.001"),
        ("1.00005", "CLF", "1.0001"),
        ("7", "EUR", "7.00"),
    ],
)
def test_rounding_is_half_up_to_the_minor_unit(amount, currency, expected):
    assert str(rounded(Decimal(amount), currency)) == expected


@given(st.decimals(-(10**8), 10**8, places=6, allow_nan=False), CURRENCIES)
def test_rounding_moves_by_at_most_half_a_unit(amount, currency):
    result = rounded(amount, currency)
    assert abs(result - amount) <= minor_unit(currency) / 2
    assert rounded(result, currency) == result


@given(UNITS, CURRENCIES)
def test_a_json_number_reads_back_as_the_same_amount(units, currency):
    amount = units * minor_unit(currency)
    assert rounded(Decimal(repr(as_number(amount))), currency) == amount
