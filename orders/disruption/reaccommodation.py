"""Re-accommodation: which flights parties get in place of disrupted ones. Pure: what is read comes in, a plan goes out.

By these rules, for each party as a whole, so that nobody travels apart from their booking:

1. the same origin, destination and cabin, on whichever carrier;
2. the earliest departure with a seat for everybody, never before the planned one, at most `window` after it;
3. a connection that is then missed is moved too, by the same rules; where one leg finds no seats, all of it waits;
4. a stopover (longer than `stopover`) that would be missed is the passenger's to decide: it waits;
5. parties with connections choose first, then who was to leave first, then larger parties, then who booked first.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID


class Rules(NamedTuple):
    """How long a connection takes at least, and how far ahead of departure and how late one can be rebooked."""

    connection: timedelta = timedelta(minutes=45)
    stopover: timedelta = timedelta(hours=24)
    lead: timedelta = timedelta(minutes=60)
    window: timedelta = timedelta(hours=72)


class Leg(NamedTuple):
    """One flight of a party, in order of travel. `was_` are its times before the disruption; a flown leg stays."""

    sequence: int
    flight_id: UUID
    designator: str
    cabin: str
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    was_departing_at: datetime
    was_arriving_at: datetime
    is_flown: bool = False
    has_to_move: bool = False


class Party(NamedTuple):
    """A booking with seats for everybody on each of its legs; `passengers` counts infants on laps too."""

    booking_id: UUID
    version: int
    seats: int
    passengers: int
    legs: tuple[Leg, ...]

    @property
    def has_connection(self) -> bool:
        return len(self.legs) > 1

    @property
    def rank(self) -> tuple:
        """Return what decides who chooses first."""
        first = next((leg.was_departing_at for leg in self.legs if leg.has_to_move), self.legs[0].was_departing_at)
        return not self.has_connection, first, -self.seats, self.booking_id


class Option(NamedTuple):
    """A cabin of a flight on which seats are free."""

    flight_id: UUID
    cabin_id: int
    designator: str
    cabin: str
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime


class Move(NamedTuple):
    """A leg that is given up for a cabin of another flight."""

    leg: Leg
    option: Option


Plan = list[Move] | None  # None: no flights were found, the party has to wait
Route = tuple[str, str, str]


class Supply:
    """Free seats by route and cabin; whoever is planned takes theirs."""

    def __init__(self, options: Iterable[Option], free: Mapping[int, int]):
        self.free = dict(free)
        self.routes: dict[Route, list[Option]] = defaultdict(list)
        for option in sorted(options, key=lambda option: (option.departs_at, option.cabin_id)):
            self.routes[option.origin, option.destination, option.cabin].append(option)

    def earliest(
        self, leg: Leg, seats: int, *, not_before: datetime, not_after: datetime, but: set[UUID]
    ) -> Option | None:
        """Return the first flight of a leg's route with seats, leaving within these moments."""
        options = self.routes.get((leg.origin, leg.destination, leg.cabin), [])
        for option in options[bisect_left(options, not_before, key=lambda option: option.departs_at) :]:
            if option.departs_at > not_after:
                return None
            if self.free[option.cabin_id] >= seats and option.flight_id not in but:
                return option
        return None

    def take(self, moves: Iterable[Move], seats: int) -> None:
        for move in moves:
            self.free[move.option.cabin_id] -= seats


def plan(parties: Iterable[Party], supply: Supply, rules: Rules, at: datetime) -> dict[UUID, Plan]:
    """Return the flights of each party, by booking; the supply has those seats no more."""
    plans: dict[UUID, Plan] = {}
    for party in sorted(parties, key=lambda party: party.rank):
        moves = plan_party(party, supply, rules, at)
        supply.take(moves or (), party.seats)
        plans[party.booking_id] = moves
    return plans


def plan_party(party: Party, supply: Supply, rules: Rules, at: datetime) -> Plan:
    """Return the moves that bring a party to where it goes; none if it can go on as it is."""
    moves: list[Move] = []
    taken = {leg.flight_id for leg in party.legs}
    arrived_at, previous = None, None
    for leg in party.legs:
        misses = previous is not None and arrived_at is not None and is_missed(previous, leg, arrived_at, rules)
        if leg.is_flown or not (leg.has_to_move or misses):
            arrived_at, previous = leg.arrives_at, leg
            continue
        if misses and previous and not is_connection(previous, leg, rules):
            return None
        not_before = max(leg.departs_at, at + rules.lead, *([arrived_at + rules.connection] if arrived_at else []))
        option = supply.earliest(
            leg, party.seats, not_before=not_before, not_after=leg.was_departing_at + rules.window, but=taken
        )
        if option is None:
            return None
        moves.append(Move(leg, option))
        taken.add(option.flight_id)
        arrived_at, previous = option.arrives_at, leg
    return moves


def is_missed(previous: Leg, leg: Leg, arrived_at: datetime, rules: Rules) -> bool:
    """Tell whether too little time is left between two legs; what was booked shorter than the rule may stay so."""
    needed = min(rules.connection, leg.was_departing_at - previous.was_arriving_at)
    return arrived_at + needed > leg.departs_at


def is_connection(previous: Leg, leg: Leg, rules: Rules) -> bool:
    return leg.was_departing_at - previous.was_arriving_at <= rules.stopover


def broken_connections(legs: Sequence[Leg], rules: Rules) -> list[tuple[Leg, Leg]]:
    """Return the pairs of legs between which too little time is left, as they stand."""
    pairs = pairwise(legs)
    return [(one, two) for one, two in pairs if not one.is_flown and is_missed(one, two, one.arrives_at, rules)]
