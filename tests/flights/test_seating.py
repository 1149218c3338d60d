import random
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flights.seating import Refusal, Sitter, Spot, assign, assign_near, check_choice, seat_price, sitters, spots_of
from flights.seatmaps import SeatMap, seat_map

A320 = seat_map("A320-232", {"J": 16, "Y": 184})  # exit rows 15 and 16; row 36 has A B C and D only
FULL = seat_map("A320-214", {"Y": 180})
WIDE = seat_map("777-222", {"J": 32, "Y": 368})
MAPS = [A320, WIDE, seat_map("767-322", {"J": 26, "Y": 304}), seat_map("EMB-145LR", {"Y": 55})]
ALL = frozenset(seat.number for seat in A320.cabin("Y").seats)


def all_but(*numbers: str) -> frozenset[str]:
    return ALL - set(numbers)


def seats_of(*rows: int) -> set[str]:
    return {seat.number for row in A320.cabin("Y").rows if row.number in rows for seat in row.seats}


def sides(found: SeatMap, seats: list[str]) -> set[tuple[int, int]]:
    spots = spots_of(found.cabin("Y"))
    return {spots[seat].side for seat in seats}


def rows_apart(found: SeatMap, seats: list[str]) -> int:
    rows = [row for row, _ in sides(found, seats)]
    return max(rows) - min(rows)


# --- Choosing one seat ---


@pytest.mark.parametrize(
    ("number", "sitter", "reason"),
    [
        ("20A", Sitter(), None),
        ("15A", Sitter(), None),
        ("13A", Sitter(), Refusal.UNKNOWN_SEAT),
        ("36F", Sitter(), Refusal.UNKNOWN_SEAT),
        ("20a", Sitter(), Refusal.UNKNOWN_SEAT),
        ("", Sitter(), Refusal.UNKNOWN_SEAT),
        ("1A", Sitter(), Refusal.OTHER_CABIN),
        ("21B", Sitter(), Refusal.TAKEN),
        ("15A", Sitter("CHD"), Refusal.EXIT_ROW),
        ("15A", Sitter("INS"), Refusal.EXIT_ROW),
        ("16F", Sitter("ADT", with_infant=True), Refusal.EXIT_ROW),
        ("16F", Sitter("ADT", infant_in_party=True), Refusal.EXIT_ROW),
        ("21A", Sitter("ADT", with_infant=True), Refusal.INFANT_ROW),
        ("21A", Sitter("CHD"), None),
        ("21D", Sitter("ADT", with_infant=True), None),
        ("22A", Sitter("ADT", with_infant=True), None),
    ],
)
def test_choice(number, sitter, reason):
    assert check_choice(A320, "Y", number, sitter, {"21B"}, {"21B"}) == reason


def test_a_crew_seat_is_blocked():
    crew, others = set(), set()
    for seat in WIDE.cabin("Y").seats:
        (crew if seat.is_blocked else others).add(seat.number)
    assert {check_choice(WIDE, "Y", number, Sitter(), set()) for number in crew} == {Refusal.BLOCKED}
    assert assign(WIDE, "Y", ["ADT"], others) is None


def test_lap_infants_sit_with_the_first_adults():
    assert sitters(["CHD", "ADT", "INF", "ADT", "INS"]) == [
        Sitter("CHD", infant_in_party=True),
        Sitter("ADT", with_infant=True, infant_in_party=True),
        Sitter("ADT", infant_in_party=True),
        Sitter("INS", infant_in_party=True),
    ]


@pytest.mark.parametrize(
    ("number", "product"), [("15C", "SEATEXIT"), ("5A", "SEATPREF"), ("8F", "SEATPREF"), ("9A", None), ("1A", None)]
)
def test_what_a_seat_is_sold_as(number, product):
    cabin, seat = A320.find(number)
    assert seat_price(seat, cabin) == product


# --- Seating a party ---


@pytest.mark.parametrize("size", range(1, 10))
def test_in_an_empty_cabin_a_party_sits_together_on_seats_that_are_not_for_sale(size):
    seats = assign(A320, "Y", ["ADT"] * size, set())
    assert seats is not None
    assert len(set(seats)) == size
    assert rows_apart(A320, seats) == (0 if size <= 6 else 1)
    assert len(sides(A320, seats)) == 1 or size > 3
    assert not any(seat_price(A320.find(seat)[1], "Y") for seat in seats)


def test_a_block_comes_before_the_aisle_and_the_aisle_before_the_next_row():
    block, aisle, behind, far = {"30B", "30C"}, {"31C", "31D"}, {"33A", "34A"}, {"20A", "22F"}
    assert set(assign(A320, "Y", ["ADT"] * 2, all_but(*block, *aisle, *behind, *far))) == block
    assert set(assign(A320, "Y", ["ADT"] * 2, all_but(*aisle, *behind, *far))) == aisle
    assert set(assign(A320, "Y", ["ADT"] * 2, all_but(*behind, *far))) == behind


@pytest.mark.parametrize("others", [("30A", "30F"), ("30A", "31F"), ("29A", "31A")])
def test_straight_behind_comes_before_strangers_between(others):
    assert set(assign(A320, "Y", ["ADT"] * 2, all_but("33A", "34A", *others))) == {"33A", "34A"}


def test_four_sit_two_by_two_rather_than_three_and_one():
    free = ["30A", "30B", "30C", "31B", "31C"]
    seats = assign(A320, "Y", ["ADT"] * 4, all_but(*free))
    assert sorted(seat[:2] for seat in seats) == ["30", "30", "31", "31"]


def test_nobody_sits_alone_in_another_row_if_that_can_be_avoided():
    seats = assign(A320, "Y", ["ADT"] * 7, all_but(*seats_of(20, 21)))
    assert len([seat for seat in seats if seat.startswith("20")]) in (2, 3, 4, 5)


def test_single_seats_go_to_single_passengers():
    free = ["30B", "31A", "31B", "31C"]
    assert assign(A320, "Y", ["ADT"], all_but(*free)) == ["30B"]


def test_no_middle_seat_is_left_alone_if_that_can_be_avoided():
    seats = assign(A320, "Y", ["ADT"], all_but("30A", "30B", "30C"))
    assert seats in (["30A"], ["30C"])
    assert assign(A320, "Y", ["ADT"], all_but("30B", "30C")) == ["30B"]


def test_children_sit_beside_an_adult():
    seats = assign(A320, "Y", ["ADT", "ADT", "CHD", "CHD", "CHD", "CHD"], all_but(*seats_of(20)))
    assert seats == ["20B", "20E", "20A", "20D", "20C", "20F"]


def test_a_family_keeps_out_of_exit_rows_and_a_parent_goes_there_only_for_want_of_other_seats():
    near = seats_of(15) | {"30A", "30B", "30C"}
    assert assign(A320, "Y", ["ADT", "ADT", "CHD"], all_but(*near)) == ["30A", "30C", "30B"]
    scarce = assign(A320, "Y", ["ADT", "ADT", "CHD"], all_but("5A", "15A", "15B", "14B"))
    assert (set(scarce[:2]), scarce[2]) == ({"15A", "15B"}, "14B")
    assert assign(A320, "Y", ["ADT", "CHD"], all_but("15A", "15B")) is None


def test_two_lap_infants_are_in_two_blocks():
    party = ["ADT", "ADT", "INF", "INF"]
    first, second = assign(A320, "Y", party, all_but("30A", "30B", "30C", "30D"))
    assert sides(A320, [first]) != sides(A320, [second])
    assert assign(A320, "Y", party, all_but("30A", "30B", "30C")) is None


def test_a_lap_infant_keeps_away_from_another():
    taken = all_but("30A", "34F")
    assert assign(A320, "Y", ["ADT", "INF"], taken, {"30C"}) == ["34F"]
    assert assign(A320, "Y", ["ADT", "INF"], all_but("30A"), {"30C"}) is None


@pytest.mark.parametrize("row", [30, 31])
def test_whoever_has_an_infant_takes_the_other_side_of_the_aisle_so_that_the_party_stays_together(row):
    free = all_but("5A", "7A", "9A", f"{row}B", f"{row}C", f"{row}D")
    seats = assign(A320, "Y", ["ADT", "INF", "ADT", "ADT"], free, {f"{row}A"})
    assert (seats[0], set(seats[1:])) == (f"{row}D", {f"{row}B", f"{row}C"})


def test_a_full_cabin():
    assert assign(A320, "Y", ["ADT"], ALL) is None
    assert assign(A320, "Y", ["ADT", "ADT"], all_but("20A")) is None
    assert assign(A320, "Y", [], ALL) == []


# --- Near those who sit already ---

A321 = seat_map("A321-232", {"J": 16, "Y": 175})


@pytest.mark.parametrize(
    ("near", "party", "seats"),
    [
        ({"12A", "14A"}, ["CHD"], {"12B"}),
        ({"20F"}, ["ADT"], {"20E"}),
        ({"20C"}, ["ADT"], {"20B"}),
        ({"20B"}, ["ADT", "ADT"], {"20A", "20C"}),
        ({"20A"}, ["ADT", "ADT", "CHD"], {"20B", "20C", "20D"}),
        ({"20A"}, ["ADT", "INF", "ADT"], {"20B", "20C"}),
        ({"14C"}, ["ADT"], {"14B"}),
    ],
)
def test_the_rest_sit_beside_those_who_sit(near, party, seats):
    assert set(assign_near(A320, "Y", party, near, near=near)) == seats


def test_the_nearest_free_seat_is_across_the_aisle_or_behind():
    assert assign_near(A320, "Y", ["ADT"], {"20A", "20B", "20C"}, near={"20C"}) == ["20D"]
    assert assign_near(A320, "Y", ["ADT"], seats_of(20), near={"20A"})[0] in ("19A", "21A")


def test_who_cannot_sit_near_sits_together():
    taken = all_but("30A", "30B", "34A")
    assert set(assign_near(A320, "Y", ["ADT", "CHD"], taken, near={"20A"})) == {"30A", "30B"}


# --- Alone ---


def test_who_is_alone_sits_in_front_at_an_aisle_or_a_window():
    [seat] = assign(A321, "Y", ["ADT"], set())
    row, place = int(seat[:-1]), seat[-1]
    free = [s.number for s in A321.cabin("Y").seats if not (seat_price(s, "Y") or s.is_blocked)]
    assert row == min(int(number[:-1]) for number in free)
    assert place in "ACDF"


# --- Whatever is taken, whoever travels ---


@st.composite
def boardings(draw):
    """Draw a map, what is taken, where lap infants are, and a party."""
    found = draw(st.sampled_from(MAPS))
    numbers = sorted(seat.number for seat in found.cabin("Y").seats)
    chance = random.Random(draw(st.integers(0, 2**32)))
    taken = set(chance.sample(numbers, round(len(numbers) * draw(st.sampled_from([0, 0.3, 0.6, 0.9, 0.97, 1])))))
    infants = set(chance.sample(sorted(taken), min(len(taken), draw(st.integers(0, 40)))))
    adults = draw(st.integers(1, 9))
    others = draw(st.lists(st.sampled_from(["CHD", "INS"]), max_size=9 - adults))
    laps = draw(st.integers(0, adults))
    return found, taken, infants, draw(st.permutations(["ADT"] * adults + others + ["INF"] * laps))


def open_spots(found: SeatMap, taken: set[str]) -> list[Spot]:
    spots = spots_of(found.cabin("Y")).values()
    return [spot for spot in spots if spot.seat.number not in taken and not spot.seat.is_blocked]


def has_room(found: SeatMap, taken: set[str], infants: set[str], party: list[str]) -> bool:
    """Tell whether a party can be seated at all, by counting."""
    people, free = sitters(party), open_spots(found, taken)
    inside = [spot for spot in free if not spot.seat.is_exit]
    lap_sides = {spot.side for spot in inside} - sides(found, sorted(infants))
    return (
        len(free) >= len(people)
        and len(inside) >= sum(not one.may_sit_at_exit for one in people)
        and len(lap_sides) >= sum(one.with_infant for one in people)
    )


@settings(deadline=None)
@given(boardings())
def test_everybody_gets_a_seat_that_they_may_have_whenever_there_are_enough(boarding):
    found, taken, infants, party = boarding
    seats = assign(found, "Y", party, taken, infants)
    assert (seats is not None) is has_room(found, taken, infants, party)
    taken, infants = set(taken), set(infants)
    for seat, sitter in zip(seats or [], sitters(party), strict=bool(seats)):
        assert check_choice(found, "Y", seat, sitter, taken, infants) is None
        taken.add(seat)
        infants |= {seat} if sitter.with_infant else set()


def longest_run(found: SeatMap, taken: set[str], *, at_exits: bool) -> int:
    """Return how many free seats stand side by side in one block at most."""
    runs = [0]
    before = None
    for spot in open_spots(found, taken):
        if at_exits or not spot.seat.is_exit:
            beside = before and before.side == spot.side and before.place + 1 == spot.place
            runs.append(runs[-1] + 1 if beside else 1)
        before = spot
    return max(runs)


@settings(deadline=None)
@given(boardings())
def test_a_party_that_fits_into_one_block_sits_side_by_side(boarding):
    found, taken, _, party = boarding
    party = [kind for kind in party if kind != "INF"]
    if len(party) <= longest_run(found, taken, at_exits=set(party) == {"ADT"}):
        seats = assign(found, "Y", party, taken)
        assert len(sides(found, seats)) == 1
        places = sorted(spots_of(found.cabin("Y"))[seat].place for seat in seats)
        assert all(later == earlier + 1 for earlier, later in pairwise(places))


@given(st.integers(0, 2**32), st.integers(18, 33), st.sampled_from(["ABC", "DEF"]), st.integers(4, 9))
def test_a_party_sits_within_three_rows_when_three_blocks_behind_each_other_are_free(seed, row, letters, size):
    free = {f"{row + n}{letter}" for n in range(3) for letter in letters}
    taken = set(random.Random(seed).sample(sorted(ALL), 150)) - free
    seats = assign(A320, "Y", ["ADT"] * size, taken)
    assert rows_apart(A320, seats) <= 2


# --- Filling an aircraft ---

SIZES, WEIGHTS = range(1, 10), (40, 33, 10, 9, 3, 2, 1, 1, 1)


def random_party(chance: random.Random, left: int) -> list[str]:
    size = min(chance.choices(SIZES, WEIGHTS)[0], left)
    party = ["ADT"] * size
    if size >= 3 and chance.random() < 0.6:
        party[2:] = ["CHD"] * (size - 2)
    return party + ["INF"] * (chance.random() < 0.04)


def filled(found: SeatMap, seed: int) -> list[tuple[list[str], list[str]]]:
    """Fill economy with random parties to the last seat; who cannot be seated by their kind comes as adults."""
    chance, taken, infants, boarded = random.Random(seed), set(), set(), []
    while left := found.cabin("Y").capacity - len(taken):
        party = random_party(chance, left)
        if (seats := assign(found, "Y", party, taken, infants)) is None:
            party = ["ADT"] * len(sitters(party))
            seats = assign(found, "Y", party, taken, infants)
        assert seats is not None
        infants |= {seat for seat, sitter in zip(seats, sitters(party), strict=True) if sitter.with_infant}
        taken |= set(seats)
        boarded.append((party, seats))
    return boarded


@pytest.fixture(scope="module")
def boarded() -> list[tuple[list[str], list[str]]]:
    """Twenty aircraft full of parties of two or more: who they are, and where they sit."""
    return [(party, seats) for seed in range(20) for party, seats in filled(FULL, seed) if len(seats) > 1]


def test_parties_stay_together_until_the_last_seat_is_gone(boarded):
    apart = [rows_apart(FULL, seats) for _, seats in boarded]
    blocks = [len(sides(FULL, seats)) for _, seats in boarded]
    assert sum(rows <= 1 for rows in apart) / len(boarded) >= 0.98
    assert sum(rows == 0 for rows in apart) / len(boarded) >= 0.91
    assert sum(block == 1 for block in blocks) / len(boarded) >= 0.65


def test_children_have_an_adult_of_theirs_within_a_row(boarded):
    near = []
    for party, seats in boarded:
        people = list(zip(seats, (sitter.passenger_type for sitter in sitters(party)), strict=True))
        adults = [seat for seat, kind in people if kind == "ADT"]
        children = [seat for seat, kind in people if kind != "ADT"]
        near += [min(rows_apart(FULL, [seat, adult]) for adult in adults) <= 1 for seat in children]
    assert sum(near) / len(near) >= 0.98


def test_an_aircraft_is_full_in_half_a_second():
    began = process_time()
    filled(FULL, 1)
    assert process_time() - began < 0.5
