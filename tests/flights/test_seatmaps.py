import csv
import gzip
import re
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flights.demo import SAMPLE
from flights.schedules import split_seats
from flights.seatmaps import CHARACTERISTICS, LAYOUTS, SEAT_PRODUCTS, CabinMap, Row, SeatMap, seat_map
from orders.demo import PRODUCTS

YEAR = Path(__file__).parent.parent / "data" / "aircraft-2017.csv"
# Configurations of the SSIM sample.
IATA_TYPES = [
    ("733", {"W": 18, "Y": 112}),
    ("733", {"Y": 133}),
    ("735", {"W": 18, "Y": 97}),
    ("735", {"Y": 118}),
    ("772", {"J": 14, "W": 34, "Y": 316}),
    ("AT7", {"Y": 64}),
]


def aircraft() -> list[tuple[str, dict[str, int]]]:
    """Return every aircraft type with its cabins that flies in the demo's week, in the year, or in the SSIM sample."""
    with gzip.open(SAMPLE, "rt") as week, YEAR.open() as year:
        rows = chain(csv.DictReader(week), csv.DictReader(year))
        seen = sorted({(row["aircraft_model"], int(row["seats"])) for row in rows})
    return [(model, dict(split_seats(seats))) for model, seats in seen] + IATA_TYPES


AIRCRAFT = aircraft()
every_aircraft = pytest.mark.parametrize(("aircraft_type", "capacities"), AIRCRAFT, ids=str)


def is_full(row: Row, cabin: CabinMap) -> bool:
    return "".join(seat.letter for seat in row.seats) == cabin.letters.replace("-", "")


def drawn(cabin: CabinMap) -> list[str]:
    """Return each row as its number and letters: a gap is a dot, a crew seat an x."""
    lines = []
    for row in cabin.rows:
        shown = {seat.letter: "x" if seat.is_blocked else seat.letter for seat in row.seats} | {"-": " "}
        lines.append(f"{row.number} " + "".join(shown.get(letter, ".") for letter in cabin.letters))
    return lines


def characteristics(found: SeatMap, number: str) -> str:
    seat = found.find(number)
    assert seat is not None
    return " ".join(sorted(seat[1].characteristics))


@every_aircraft
def test_the_map_has_the_seats_of_the_flight_in_each_cabin(aircraft_type, capacities):
    cabins = seat_map(aircraft_type, capacities).cabins
    assert {cabin.cabin: cabin.capacity for cabin in cabins} == capacities
    assert [cabin.cabin for cabin in cabins] == sorted(capacities, key="FJWY".index)


@every_aircraft
def test_every_type_that_flies_has_a_layout_of_its_own(aircraft_type, capacities):
    assert seat_map(aircraft_type, capacities).layout


@every_aircraft
def test_numbers_are_unique_and_count_rows_from_the_front(aircraft_type, capacities):
    found = seat_map(aircraft_type, capacities)
    rows = [row for cabin in found.cabins for row in cabin.rows]
    assert [row.number for row in rows] == [n for n in range(1, len(rows) + 2) if n != 13][: len(rows)]
    numbers = [seat.number for row in rows for seat in row.seats]
    assert len(numbers) == len(set(numbers))
    assert all(re.fullmatch(r"[1-9][0-9]?[A-HJK]", number) for number in numbers)


@every_aircraft
def test_letters_stand_in_order_with_windows_outside_and_aisles_between_blocks(aircraft_type, capacities):
    for cabin in seat_map(aircraft_type, capacities).cabins:
        assert list(cabin.letters.replace("-", "")) == sorted(cabin.letters.replace("-", ""))
        for row in cabin.rows:
            assert row.seats, "an empty row"
            assert len(row.blocks) == cabin.letters.count("-") + 1
            check_places(row, is_full(row, cabin))


def check_places(row: Row, full: bool) -> None:
    counted = Counter(code for seat in row.seats for code in seat.characteristics & {"W", "A", "9"})
    assert all(seat.characteristics & {"W", "A", "9"} for seat in row.seats)
    assert counted["W"] <= 2
    if full:
        assert (counted["W"], counted["A"]) == (2, 2 * (len(row.blocks) - 1))
        assert "W" in row.seats[0].characteristics & row.seats[-1].characteristics


@every_aircraft
def test_only_the_first_and_the_last_rows_of_a_cabin_are_short(aircraft_type, capacities):
    for cabin in seat_map(aircraft_type, capacities).cabins:
        blocks = [len(row.seats) for row in cabin.rows[1:-1]]
        assert all(later <= earlier for earlier, later in pairwise(blocks))
        assert all(is_full(row, cabin) for row in cabin.rows[1:-4])


@every_aircraft
def test_exit_rows_are_whole_rows_with_leg_room_and_nobody_reclines_into_them(aircraft_type, capacities):
    rows = [row for cabin in seat_map(aircraft_type, capacities).cabins for row in cabin.rows]
    exits = [any(seat.is_exit for seat in row.seats) for row in rows]
    for index, row in enumerate(rows):
        assert all(seat.is_exit is exits[index] for seat in row.seats)
        if exits[index]:
            assert all(seat.characteristics >= {"E", "L", "1A", "IE"} for seat in row.seats)
        if exits[index + 1 : index + 2] == [True]:
            assert all("1D" in seat.characteristics for seat in row.seats)
    assert any(exits) or aircraft_type.startswith("ERJ 170")
    assert not exits[-1]


@every_aircraft
def test_characteristics_are_known_and_the_ends_are_beside_galley_and_lavatory(aircraft_type, capacities):
    found = seat_map(aircraft_type, capacities)
    seats = [seat for cabin in found.cabins for seat in cabin.seats]
    assert set().union(*(seat.characteristics for seat in seats)) <= set(CHARACTERISTICS)
    assert seats[0].characteristics >= {"K", "AG", "AL"}
    assert seats[-1].characteristics >= {"1D", "AG", "AL"}


def test_a_narrow_body():
    found = seat_map("737-824", {"J": 12, "Y": 137})
    assert drawn(found.cabin("J")) == ["1 AC DF", "2 AC DF", "3 AC DF"]
    economy = drawn(found.cabin("Y"))
    assert economy[0] == "4 ABC DEF"
    assert economy[-1] == "27 ABC DE."
    assert (len(economy), "13 ABC DEF" in economy) == (23, False)
    assert characteristics(found, "4A") == "K O W"
    assert characteristics(found, "11E") == "1A 1D 9 E IE L"
    assert characteristics(found, "12C") == "1A A E IE L"


def test_a_wide_body_keeps_spare_seats_for_the_crew():
    found = seat_map("777-300ER", {"J": 44, "Y": 508})
    assert drawn(found.cabin("J"))[-1] == "8 xx DG xx"
    economy = drawn(found.cabin("Y"))
    assert economy[:2] == ["9 ABC DEFG Hxx", "10 ABC DEFG HJK"]
    assert economy[-3:] == ["59 A.C DEFG H.K", "60 A.C DEFG H.K", "61 x.x DEFG x.x"]
    assert found.cabin("Y").capacity == 508


def test_a_single_seat_by_the_window_is_on_the_aisle_too():
    assert characteristics(seat_map("EMB-145LR", {"Y": 55}), "5A") == "A W"


def test_a_cabin_of_one_row():
    assert drawn(seat_map("A320", {"J": 1, "Y": 100}).cabin("J")) == ["1 A. .."]
    assert characteristics(seat_map("A320", {"J": 8, "Y": 6}), "3A") == "1D AG AL K W"


@pytest.mark.parametrize(
    ("aircraft_type", "layout"),
    [
        ("737-924ER", "Boeing 737-900, 737-9, 737-10"),
        ("Boeing 737 MAX 8", "Boeing 737-800, 737-8"),
        ("737 MAX 9", "Boeing 737-900, 737-9, 737-10"),
        ("737-8", "Boeing 737-800, 737-8"),
        ("737-7H4", "Boeing 737-100 to 737-700, 737-7"),
        ("737-130", "Boeing 737-100 to 737-700, 737-7"),
        ("7M8", "Boeing 737-800, 737-8"),
        ("DC-9-82(MD-82)", "Boeing 717, McDonnell Douglas DC-9, MD-80, MD-90"),
        ("CL-600-2D24", "Bombardier CRJ900, CRJ1000"),
        (" a321-231 ", "Airbus A321"),
        ("32N", "Airbus A320"),
        ("77W", "Boeing 777-300"),
        ("", ""),
        ("Antonov 148", ""),
    ],
)
def test_families(aircraft_type, layout):
    assert seat_map(aircraft_type, {"Y": 90}).layout == layout


@pytest.mark.parametrize(
    ("seats", "letters"),
    [
        (30, "A-BC"),
        (90, "AC-DF"),
        (150, "ABC-DEF"),
        (300, "AC-DEFG-HK"),
        (390, "ABC-DEF-HJK"),
        (500, "ABC-DEFG-HJK"),
    ],
)
def test_other_types_are_drawn_by_their_size(seats, letters):
    found = seat_map("Ekranoplan", {"Y": seats})
    assert found.cabin("Y").letters == letters
    assert found.cabin("Y").capacity == seats


@given(
    st.sampled_from([pattern.pattern.split("|")[0] for pattern, _ in LAYOUTS] + ["A320", "777-222", "767-322", "?"]),
    st.dictionaries(st.sampled_from("FJWY"), st.integers(0, 1000), max_size=4),
)
def test_any_capacities_fit_any_type(aircraft_type, capacities):
    cabins = seat_map(aircraft_type, capacities).cabins
    assert {cabin.cabin: cabin.capacity for cabin in cabins} == {key: n for key, n in capacities.items() if n}


def test_the_same_map_is_drawn_once():
    assert seat_map("A320-232", {"J": 16, "Y": 184}) is seat_map("A320-232", {"Y": 184, "J": 16, "F": 0})


def test_the_products_of_seats_are_sold():
    assert {product for cabin in SEAT_PRODUCTS.values() for product in cabin.values()} <= {row[0] for row in PRODUCTS}
