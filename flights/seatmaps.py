"""Seat maps: which seats an aircraft has, made of a typical layout of its type and the capacities of a flight.

The capacity is the truth: a cabin has exactly that many seats for passengers. Full rows come first; what is too much in
them is left out beside the aft and forward galleys and lavatories, or kept for the crew. Seat characteristics are
the codes of IATA's PADIS code set 9825, of which `flights/data/seatmaps.toml` lists those that we give.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

DATA = tomllib.loads((Path(__file__).parent / "data" / "seatmaps.toml").read_text())
CHARACTERISTICS: Mapping[str, str] = DATA["characteristics"]
SEAT_PRODUCTS: Mapping[str, Mapping[str, str]] = DATA["products"]
SKIPPED_ROWS = frozenset(DATA["skipped_rows"])
CABINS = "FJWY"


class Seat(NamedTuple):
    number: str
    letter: str
    characteristics: frozenset[str]
    is_kept: bool = False  # by staff, on one flight

    @property
    def is_for_crew(self) -> bool:
        return "C" in self.characteristics

    @property
    def is_blocked(self) -> bool:
        return self.is_kept or self.is_for_crew

    @property
    def is_exit(self) -> bool:
        return "E" in self.characteristics


Blocks = tuple[tuple[Seat, ...], ...]
Heads = Iterator[tuple[int, frozenset[str]]]


class Row(NamedTuple):
    """One row: its seats by block, from port to starboard; aisles are between the blocks, which may be empty."""

    number: int
    blocks: Blocks

    @property
    def seats(self) -> tuple[Seat, ...]:
        return tuple(chain.from_iterable(self.blocks))


class CabinMap(NamedTuple):
    """The rows of one cabin from front to back; `letters` are the columns, with "-" for an aisle."""

    cabin: str
    letters: str
    rows: tuple[Row, ...]

    @property
    def seats(self) -> tuple[Seat, ...]:
        return tuple(chain.from_iterable(row.seats for row in self.rows))

    @property
    def capacity(self) -> int:
        return sum(not seat.is_for_crew for seat in self.seats)


class SeatMap(NamedTuple):
    """The cabins of an aircraft from front to back; `layout` names the type whose layout it is, "" if by size."""

    layout: str
    cabins: tuple[CabinMap, ...]

    def cabin(self, code: str) -> CabinMap:
        """Return one cabin. Raises KeyError when the flight has no such cabin."""
        return {cabin.cabin: cabin for cabin in self.cabins}[code]

    def find(self, number: str) -> tuple[str, Seat] | None:
        """Return the cabin and the seat of a seat number such as 12A, or None."""
        found = ((cabin.cabin, seat) for cabin in self.cabins for seat in cabin.seats if seat.number == number)
        return next(found, None)


class Exit(NamedTuple):
    """An exit: how far back in the aircraft (0 to 1), its rows, and whether it is a door behind a bulkhead."""

    at: float
    rows: int = 1
    door: bool = False


class Layout(NamedTuple):
    """A type's typical cabins: letters by cabin and of economy's last rows, exits, what becomes of spare seats."""

    name: str
    letters: Mapping[str, str]
    tail: tuple[str, ...]
    exits: tuple[Exit, ...]
    spare: str


def seat_map(aircraft_type: str, capacities: Mapping[str, int]) -> SeatMap:
    """Return the seats of an aircraft whose cabins (F, J, W, Y) have these capacities. Kept for the next call."""
    cabins = tuple((cabin, capacities[cabin]) for cabin in CABINS if capacities.get(cabin))
    return draw(aircraft_type.strip().upper(), cabins)


@lru_cache(maxsize=1024)
def draw(aircraft_type: str, capacities: tuple[tuple[str, int], ...]) -> SeatMap:
    layout = layout_of(aircraft_type, sum(seats for _, seats in capacities))
    patterns = {cabin: row_patterns(layout, cabin, seats) for cabin, seats in capacities}
    codes = codes_by_row(layout.exits, {cabin: len(rows) for cabin, rows in patterns.items()})
    heads = zip(row_numbers(), codes, strict=False)
    cabins = (draw_cabin(layout, cabin, seats, patterns[cabin], heads) for cabin, seats in capacities)
    return SeatMap(layout.name, tuple(cabins))


def keeping(drawn: SeatMap, numbers: Collection[str]) -> SeatMap:
    """Return a map on which some seats are kept by staff; those that it does not have are left out."""
    return drawn._replace(cabins=tuple(cabin._replace(rows=kept_rows(cabin, numbers)) for cabin in drawn.cabins))


def kept_rows(cabin: CabinMap, numbers: Collection[str]) -> tuple[Row, ...]:
    return tuple(
        row._replace(
            blocks=tuple(tuple(seat._replace(is_kept=seat.number in numbers) for seat in block) for block in row.blocks)
        )
        for row in cabin.rows
    )


def row_numbers() -> Iterator[int]:
    return (number for number in count(1) if number not in SKIPPED_ROWS)


# --- Layouts ---


def layout_of(aircraft_type: str, seats: int) -> Layout:
    """Return the layout of a type, by its name in capitals, or else one of its size."""
    for pattern, layout in LAYOUTS:
        if pattern.search(aircraft_type):
            return layout
    return next(layout for largest, layout in LAYOUTS_BY_SIZE if seats <= largest)


def read_layout(entry: Mapping[str, Any]) -> Layout:
    section = DATA["cross_sections"][entry["cross_section"]]
    return Layout(
        name=entry.get("name", ""),
        letters={cabin: section[cabin] for cabin in CABINS},
        tail=tuple(section.get("tail", ())),
        exits=tuple(Exit(**exit) for exit in entry["exits"]),
        spare=section.get("spare", ""),
    )


LAYOUTS = [(re.compile(entry["pattern"]), read_layout(entry)) for entry in DATA["types"]]
LAYOUTS_BY_SIZE = [(entry["seats"], read_layout(entry)) for entry in DATA["others"]]


# --- Rows ---


def row_patterns(layout: Layout, cabin: str, seats: int) -> list[str]:
    """Return the letters of each row of a cabin, just as many rows as the seats need."""
    letters = layout.letters[cabin]
    tail = layout.tail if cabin == "Y" else ()
    rest = seats - sum(map(width, tail))
    if rest < len(tail) * width(letters):  # too short to taper
        tail, rest = (), seats
    return [letters] * -(-rest // width(letters)) + list(tail)


def width(pattern: str) -> int:
    return len(pattern.replace("-", ""))


def spare_seats(patterns: list[str], seats: int) -> set[tuple[int, str]]:
    """Return (row index, letter) of what the rows have beyond the seats."""
    spare = sum(map(width, patterns)) - seats
    return set(list(dict.fromkeys(spare_order(patterns)))[:spare])


def spare_order(patterns: list[str]) -> Iterator[tuple[int, str]]:
    """Yield where seats go first: at the aft lavatories, then at the forward galley, from the window to the aisle."""
    last = len(patterns) - 1
    port, *centre, starboard = patterns[-1].split("-")
    yield from ((last, letter) for letter in reversed(starboard))
    yield from ((last, letter) for letter in port if centre)
    yield from ((0, letter) for letter in reversed(patterns[0].split("-")[-1]))
    yield from ((last, letter) for letter in reversed(patterns[-1]) if letter != "-")


def draw_cabin(layout: Layout, cabin: str, seats: int, patterns: list[str], heads: Heads) -> CabinMap:
    """Return a cabin that takes its row numbers and their characteristics from `heads`."""
    spare = spare_seats(patterns, seats)
    rows = []
    for index, (pattern, (number, codes)) in enumerate(zip(patterns, heads, strict=False)):
        gone = {letter for row, letter in spare if row == index}
        rows.append(Row(number, draw_blocks(number, pattern, codes, gone, layout.spare)))
    return CabinMap(cabin, layout.letters[cabin], tuple(rows))


def draw_blocks(number: int, pattern: str, codes: frozenset[str], gone: set[str], spare: str) -> Blocks:
    """Return the seats of a row; those `gone` are crew seats, or missing."""
    seats = {
        letter: Seat(f"{number}{letter}", letter, codes | place(pattern, letter)) for letter in pattern if letter != "-"
    }
    for letter in gone:
        kept = seats.pop(letter)
        if spare == "crew":
            seats[letter] = kept._replace(characteristics=kept.characteristics | {"C"})
    return tuple(tuple(seats[letter] for letter in block if letter in seats) for block in pattern.split("-"))


def place(pattern: str, letter: str) -> set[str]:
    """Return where a seat is in its row: W at a window, A on an aisle, 9 neither."""
    at = pattern.index(letter)
    found = {"W"} if at in (0, len(pattern) - 1) else set()
    if "-" in pattern[max(at - 1, 0) : at + 2]:
        found.add("A")
    return found or {"9"}


# --- What a whole row has in common ---


def codes_by_row(exits: tuple[Exit, ...], rows: Mapping[str, int]) -> list[frozenset[str]]:
    """Return the characteristics of each row, given how many each cabin has; exits are in the last cabin."""
    length = sum(rows.values())
    codes: list[set[str]] = []
    for cabin, cabin_rows in rows.items():
        is_last = len(codes) + cabin_rows == length
        found = exit_rows(exits, length, len(codes)) if is_last else {}
        codes += [row_codes(cabin, index, cabin_rows, found) for index in range(cabin_rows)]
    for row in codes[:1] + codes[-1:]:
        row |= {"AG", "AL"}
    return [frozenset(row) for row in codes]


def exit_rows(exits: tuple[Exit, ...], length: int, rows_before: int) -> dict[int, bool]:
    """Return the indexes of a cabin's exit rows, and whether each is behind a bulkhead.

    An exit further forward than the cabin is at its first row. The rearmost row is never an exit row.
    """
    found: dict[int, bool] = {}
    for exit in exits:
        first = max(int(exit.at * length) - rows_before, 0)
        found |= {row: exit.door for row in range(first, first + exit.rows) if row < length - rows_before - 1}
    return found


def row_codes(cabin: str, index: int, rows: int, exits: Mapping[int, bool]) -> set[str]:
    """Return a row's characteristics: nobody reclines into an exit row, nor at the cabin's rear wall."""
    codes = set()
    if index == 0 or exits.get(index):
        codes |= {"K"} if index == 0 else {"K", "AL"}
    if index in exits:
        codes |= {"E", "L", "1A", "IE"}
    if index + 1 in exits or index == rows - 1:
        codes.add("1D")
    if cabin == "Y" and index < min(DATA["preferred_rows"], rows // 5):
        codes.add("O")
    return codes
