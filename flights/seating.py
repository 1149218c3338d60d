"""Seating: who may sit where, and which seats keep a party together. Pure: nothing is read, held or written here.

Two rules come from outside. In an exit row sits nobody who could not help in an evacuation: no child, no infant, no
adult with an infant on the lap; and as nobody knows before boarding who will hold it, no adult of a party that has one.
Source: 14 CFR 121.585; it says under 15, so a caller that knows the age passes CHD up to then. And above a block of
seats on one side of an aisle hangs one oxygen mask more than it has seats (four for three): one lap infant at most goes
there. Source: trade practice.

Passenger types are ADT, CHD, INF (on a lap) and INS (infant with a seat). The first lap infant of a party sits with its
first adult, and so on.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from flights.seatmaps import SEAT_PRODUCTS, CabinMap, Seat, SeatMap

# How far apart two members of a party sit.
ACROSS_THE_AISLE = 3
PER_STRANGER = 5
PER_ROW = 10
PER_COLUMN = 2  # in another row, not straight behind
ALONE_IN_A_ROW = 5
# What is left of a block that a party breaks.
BROKEN_BLOCK = 1
SINGLE = 2
SINGLE_MIDDLE = 4

# What the seat of somebody alone costs beside: a middle one, and each row further back.
MIDDLE = 0.5
PER_ROW_BACK = 0.1

# From how far apart on the others of a party sit together rather than near those who sit already.
TOO_FAR = 5 * PER_ROW

NOBODY: frozenset[str] = frozenset()
Block = tuple[int, int]


class Sitter(NamedTuple):
    """A passenger who takes a seat, perhaps with an infant on the lap, or on that of another of the party."""

    passenger_type: str = "ADT"
    with_infant: bool = False
    infant_in_party: bool = False

    @property
    def may_sit_at_exit(self) -> bool:
        return self.passenger_type == "ADT" and not (self.with_infant or self.infant_in_party)


class Refusal(StrEnum):
    """Why a passenger cannot have a seat."""

    UNKNOWN_SEAT = "unknown_seat"
    OTHER_CABIN = "other_cabin"
    BLOCKED = "blocked"
    TAKEN = "taken"
    EXIT_ROW = "exit_row"
    INFANT_ROW = "infant_row"


class Spot(NamedTuple):
    """A seat and where it stands: row and block by index, `place` among its row's seats, `column` among the letters."""

    seat: Seat
    row: int
    block: int
    place: int
    column: int

    @property
    def side(self) -> Block:
        return self.row, self.block


def sitters(party: Sequence[str]) -> list[Sitter]:
    """Return those of a party, given by passenger types, who take a seat, in order."""
    infants = party.count("INF")
    is_family, found = infants > 0, []
    for passenger_type in party:
        if passenger_type != "INF":
            holds = passenger_type == "ADT" and infants > 0
            infants -= holds
            found.append(Sitter(passenger_type, holds, is_family))
    return found


def seat_price(seat: Seat, cabin: str) -> str | None:
    """Return the id of the product that a seat is sold as, or None where it is free."""
    products = SEAT_PRODUCTS.get(cabin, {})
    return next((product for code, product in products.items() if code in seat.characteristics), None)


# --- One passenger chooses ---


def check_choice(
    seat_map: SeatMap,
    cabin: str,
    number: str,
    sitter: Sitter,
    taken: AbstractSet[str],
    with_infant: AbstractSet[str] = NOBODY,
) -> Refusal | None:
    """Return why a passenger of a cabin cannot have a seat, or None. `with_infant` are taken, with a lap infant."""
    found = seat_map.find(number)
    if found is None:
        return Refusal.UNKNOWN_SEAT
    its_cabin, seat = found
    if its_cabin != cabin:
        return Refusal.OTHER_CABIN
    if seat.is_blocked:
        return Refusal.BLOCKED
    if number in taken:
        return Refusal.TAKEN
    spots = spots_of(seat_map.cabin(cabin))
    return refusal(spots[number], sitter, infant_sides(spots, with_infant))


def refusal(spot: Spot, sitter: Sitter, infants: AbstractSet[Block]) -> Refusal | None:
    """Return why somebody cannot sit on a free seat, or None; `infants` are the blocks that have a lap infant."""
    if spot.seat.is_exit and not sitter.may_sit_at_exit:
        return Refusal.EXIT_ROW
    if sitter.with_infant and spot.side in infants:
        return Refusal.INFANT_ROW
    return None


@lru_cache(maxsize=1024)
def spots_of(cabin: CabinMap) -> dict[str, Spot]:
    """Return a cabin's seats by number, from front to back and port to starboard."""
    return {
        seat.number: Spot(seat, index, block, row.seats.index(seat), cabin.letters.index(seat.letter))
        for index, row in enumerate(cabin.rows)
        for block, seats in enumerate(row.blocks)
        for seat in seats
    }


def infant_sides(spots: dict[str, Spot], with_infant: Iterable[str]) -> set[Block]:
    return {spots[number].side for number in with_infant if number in spots}


# --- A party is seated ---


def assign(
    seat_map: SeatMap,
    cabin: str,
    party: Sequence[str],
    taken: AbstractSet[str],
    with_infant: AbstractSet[str] = NOBODY,
) -> list[str] | None:
    """Return seats for those of a party who take one, in their order; None if the cabin lacks seats that they may have.

    A party sits in one block if it can, else in one row, else in neighbouring rows; among such seats those that are not
    for sale come first, then those that leave the fewest single seats behind, then those in front. Families keep out of
    exit rows whole, unless nothing else is left. Takes milliseconds; nine lap infants on a wide body, 0.08 s.
    """
    people = sitters(party)
    spots = spots_of(seat_map.cabin(cabin))
    free = [spot for number, spot in spots.items() if number not in taken and not spot.seat.is_blocked]
    infants = infant_sides(spots, with_infant)
    scattered = choose(free, people, by_need(people), infants)
    if not scattered:
        return scattered
    inside = free if all(one.may_sit_at_exit for one in people) else [spot for spot in free if not spot.seat.is_exit]
    leftovers = Leftovers(spots.values(), free)
    for pool in (inside, free):
        for group in groups_by_merit(pool, len(people), cabin, leftovers):
            if seats := line_up(group, people, infants):
                return seats
    return scattered


def assign_near(
    seat_map: SeatMap,
    cabin: str,
    party: Sequence[str],
    taken: AbstractSet[str],
    with_infant: AbstractSet[str] = NOBODY,
    *,
    near: AbstractSet[str],
) -> list[str] | None:
    """Return seats as `assign` does, but as near as can be to the seats that others of the party have.

    Each sits as near as can be to one who sits already, then to all of them. None of these seats is for sale: who pays
    for one seat in an exit row gets no others there for nothing.
    """
    spots, people = spots_of(seat_map.cabin(cabin)), sitters(party)
    seated = [spots[number] for number in sorted(near) if number in spots]
    free = [s for n, s in spots.items() if not (n in taken or s.seat.is_blocked or is_sold(s, cabin))]
    if not all(one.may_sit_at_exit for one in people):
        free = [spot for spot in free if not spot.seat.is_exit]
    infants = infant_sides(spots, with_infant)
    group = grown(free, people, seated, infants) if seated else []
    if group and (seats := line_up(group, people, infants)):
        return seats
    return assign(seat_map, cabin, party, taken, with_infant)


def grown(
    free: Iterable[Spot], people: Sequence[Sitter], seated: Sequence[Spot], infants: AbstractSet[Block]
) -> list[Spot]:
    """Return seats, one for each, that grow around those who sit already; none if the nearest ones are too far away."""
    left, full = list(free), set(infants)
    group: list[Spot] = []
    for one in by_need(people):
        around = [*seated, *group]
        fit = [spot for spot in left if refusal(spot, people[one], full) is None]
        best = min(fit, key=lambda spot: distance(spot, around), default=None)
        if best is None or distance(best, around)[0] >= TOO_FAR:
            return []
        left.remove(best)
        group.append(best)
        full |= {best.side} if people[one].with_infant else set()
    return group


def distance(spot: Spot, others: Sequence[Spot]) -> tuple[int, int]:
    """Return how far a seat is from the nearest of others, and from all of them."""
    steps = [step(spot, other) for other in others]
    return min(steps), sum(steps)


def line_up(free: Sequence[Spot], people: Sequence[Sitter], infants: AbstractSet[Block]) -> list[str] | None:
    """Return everybody's seat, in order, with families side by side if the rules let them; None if there is no way."""
    return choose(free, people, by_family(people), infants) or choose(free, people, by_need(people), infants)


def choose(
    free: Sequence[Spot], people: Sequence[Sitter], order: Sequence[int], infants: AbstractSet[Block]
) -> list[str] | None:
    """Give each in turn the first seat left that they may have."""
    left, full, seats = list(free), set(infants), {}
    for one in order:
        spot = next((spot for spot in left if refusal(spot, people[one], full) is None), None)
        if spot is None:
            return None
        left.remove(spot)
        seats[one] = spot.seat.number
        if people[one].with_infant:
            full.add(spot.side)
    return [seats[one] for one in range(len(people))]


def by_need(people: Sequence[Sitter]) -> list[int]:
    """Return an order in which those who may have the fewest seats come first; it finds a way if there is one."""
    return sorted(range(len(people)), key=lambda one: (not people[one].with_infant, people[one].may_sit_at_exit))


def by_family(people: Sequence[Sitter]) -> list[int]:
    """Return an order in which children sit on either side of an adult, as evenly as there are adults."""
    adults = [one for one, sitter in enumerate(people) if sitter.passenger_type == "ADT"]
    children = [one for one, sitter in enumerate(people) if sitter.passenger_type != "ADT"]
    order: list[int] = []
    for turn, adult in enumerate(adults):
        own = children[turn :: len(adults)]
        order += [*own[: len(own) // 2], adult, *own[len(own) // 2 :]]
    return order or children


# --- Which seats belong together ---


class Leftovers:
    """How broken up the blocks of a cabin are, so that a party can leave whole blocks to those who come after it."""

    def __init__(self, spots: Iterable[Spot], free: Iterable[Spot]) -> None:
        self.sizes = Counter(spot.side for spot in spots if not spot.seat.is_blocked)
        self.free: defaultdict[Block, list[Spot]] = defaultdict(list)
        for spot in free:
            self.free[spot.side].append(spot)

    def after(self, group: Sequence[Spot]) -> int:
        """Return how much more broken up the blocks are after a group has sat down."""
        gone = {spot.seat.number for spot in group}
        return sum(self.cost(side, gone) - self.cost(side, NOBODY) for side in {spot.side for spot in group})

    def cost(self, side: Block, gone: AbstractSet[str]) -> int:
        left = [spot for spot in self.free[side] if spot.seat.number not in gone]
        if len(left) == self.sizes[side]:
            return 0
        return sum(cost_of_run([spot for _, spot in run]) for _, run in groupby(enumerate(left), key=run_of))


def run_of(entry: tuple[int, Spot]) -> int:
    """Return a number that only seats beside each other share."""
    index, spot = entry
    return spot.place - index


def cost_of_run(run: Sequence[Spot]) -> int:
    if len(run) > 1:
        return BROKEN_BLOCK
    return SINGLE_MIDDLE if "9" in run[0].seat.characteristics else SINGLE


def groups_by_merit(free: Sequence[Spot], size: int, cabin: str, leftovers: Leftovers) -> Iterator[Sequence[Spot]]:
    """Yield groups of free seats, the best for a party of a size first; who is alone sits in front."""
    groups = sorted(groups_along_paths(free, size), key=lambda found: found[0])
    for _, equals in groupby(groups, key=lambda found: found[0]):
        alike = [group for _, group in equals]
        yield from sorted(alike, key=lambda group: (sum(is_sold(s, cabin) for s in group), breakage(group, leftovers)))


def breakage(group: Sequence[Spot], leftovers: Leftovers) -> float:
    """Return what it costs those who come later that a group sits here, and a single passenger the place itself."""
    if len(group) > 1:
        return leftovers.after(group)
    [spot] = group
    is_middle = "9" in spot.seat.characteristics
    return leftovers.after(group) + MIDDLE * is_middle + PER_ROW_BACK * spot.row


def is_sold(spot: Spot, cabin: str) -> bool:
    return seat_price(spot.seat, cabin) is not None


def groups_along_paths(free: Sequence[Spot], size: int) -> Iterator[tuple[int, Sequence[Spot]]]:
    """Yield how far apart a group sits, and the group: all that are neighbours on a path through the free seats."""
    for number, path in enumerate(paths(free)):
        far = list(accumulate((step(*pair) for pair in pairwise(path)), initial=0))
        for start in range(len(path) - size + 1):
            group = path[start : start + size]
            if number == 0 or group[0].row != group[-1].row:  # the first path has all groups in one row
                yield far[start + size - 1] - far[start] + alone(group), group


def paths(free: Sequence[Spot]) -> Iterator[list[Spot]]:
    """Yield the free seats as paths that wind from row to row: through whole rows, and down block by block."""
    yield sorted(free, key=lambda spot: (spot.row, winding(spot)))
    yield sorted(free, key=lambda spot: (spot.block, spot.row, winding(spot)))


def winding(spot: Spot) -> int:
    return -spot.column if spot.row % 2 else spot.column


def step(one: Spot, other: Spot) -> int:
    """Return how far apart two members of a party sit."""
    if one.row != other.row:
        return PER_ROW * abs(one.row - other.row) + PER_COLUMN * abs(one.column - other.column)
    between = abs(one.place - other.place) - 1
    return PER_STRANGER * between + (ACROSS_THE_AISLE if one.block != other.block else 0)


def alone(group: Sequence[Spot]) -> int:
    """Return the cost of members who have a row to themselves."""
    if group[0].row == group[-1].row:
        return 0
    return sum(ALONE_IN_A_ROW for _, row in groupby(group, key=lambda spot: spot.row) if len(list(row)) == 1)
