"""Re-accommodating whoever a disruption touches: read, plan in memory, write some hundred at a time.

Whatever has changed meanwhile is read and planned again. A run that was broken off is taken up by the next; one that
was finished changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID

from django.db import connection

from flights.exceptions import FlightNotFound
from flights.models import Flight
from orders.disruption.documents import read_flights
from orders.disruption.reaccommodation import Party, Plan, broken_connections, plan
from orders.disruption.reading import Times, read_parties, read_supply, rules
from orders.disruption.writing import CHUNK, Decision, write_decisions
from orders.models import DisruptedBooking
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange
from ticketing.exceptions import FlightDeparted

Status = DisruptedBooking.Status
ROUNDS = 8
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Change:
    """What happens to a flight: new times for a delay or retime, an aircraft with seats by cabin, or nothing more."""

    kind: str
    reason: str = ""
    departs_at: datetime | None = None
    arrives_at: datetime | None = None
    aircraft_type: str = ""
    registration: str = ""
    cabins: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """What a change means for those on its flights: flights by disruption, new times, and which cannot be flown on.

    `needs_choice` tells whether the new times are so different that passengers are asked.
    """

    disruptions: Mapping[UUID, UUID]
    reason: str
    times: Mapping[UUID, Times] = field(default_factory=dict)
    moving: Collection[UUID] = ()
    needs_choice: bool = False
    ends_check_in: bool = False


def lock_flights(flight_ids: Collection[UUID]) -> dict[UUID, Flight]:
    """Lock flights that have not left, by id, in primary key order. Raises FlightNotFound or FlightDeparted."""
    wanted = Flight.objects.filter(pk__in=flight_ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    flights = {flight.pk: flight for flight in wanted.select_related("origin", "destination")}
    if len(flights) < len(set(flight_ids)):
        raise FlightNotFound
    for flight in flights.values():
        if flight.status == Flight.Status.DEPARTED:
            raise FlightDeparted(event_id=flight.pk, flight=str(flight))
    return flights


def reaccommodate(
    effect: Effect,
    *,
    actor: Actor,
    at: datetime,
    only: Collection[UUID] | None = None,
    workers: int = 1,
    progress: Progress = lambda done, size: None,
) -> None:
    """Decide for everybody whom an effect touches and who has no decision yet, and write it down.

    `only` are the bookings that have to leave the flights while the others stay. Raises ConcurrentChange when bookings
    go on changing; what was written stays, and calling again goes on.
    """
    write = partial(write_decisions, actor=actor, reason=effect.reason, at=at)
    for _ in range(ROUNDS):
        parties = [party for party in read_touched(effect) if only is None or party.booking_id in only]
        if not parties:
            return
        decisions = decide(parties, effect, at, only=only or ())
        if not write_all(decisions, write, workers, progress):
            return
    raise ConcurrentChange


def read_touched(effect: Effect) -> list[Party]:
    return read_parties(effect.disruptions, effect.disruptions.values(), times=effect.times, moving=effect.moving)


def decide(parties: Sequence[Party], effect: Effect, at: datetime, *, only: Collection[UUID] = ()) -> list[Decision]:
    """Return what becomes of each party; one statement and the plan in memory."""
    airline = rules()
    parties = [leaving(party, effect) if party.booking_id in only else party for party in parties]
    plans = plan(parties, read_supply(parties, at, without=effect.moving), airline, at)
    return [decision_of(party, plans[party.booking_id], effect) for party in parties]


def leaving(party: Party, effect: Effect) -> Party:
    """Return a party that has to leave the disrupted flights, though these fly."""
    legs = (leg._replace(has_to_move=leg.flight_id in effect.disruptions and not leg.is_flown) for leg in party.legs)
    return party._replace(legs=tuple(legs))


def decision_of(party: Party, moves: Plan, effect: Effect) -> Decision:
    touching = {leg.flight_id for leg in party.legs if not leg.is_flown} & set(effect.disruptions)
    kept = Status.WAITING if moves is None or effect.needs_choice else Status.ACCEPTED
    disruptions = {flight_id: effect.disruptions[flight_id] for flight_id in touching}
    status = Status.REBOOKED if moves else kept
    return Decision(party, status, moves or [], disruptions, effect.ends_check_in, closing_at(party, moves, effect))


def closing_at(party: Party, moves: Plan, effect: Effect) -> datetime | None:
    """Return when the first of the flights leaves that a party has now instead of, or as, the disrupted ones.

    None where all of them are cancelled: those never leave.
    """
    departures = {leg.flight_id: leg.departs_at for leg in party.legs if leg.flight_id in effect.disruptions}
    departures |= {move.leg.flight_id: move.option.departs_at for move in moves or ()}
    moved = {move.leg.flight_id for move in moves or ()}
    return min((at for pk, at in departures.items() if pk in moved or pk not in effect.moving), default=None)


def write_all(
    decisions: Sequence[Decision],
    write: Callable[[Sequence[Decision]], list[Decision]],
    workers: int,
    progress: Progress,
) -> list[Decision]:
    """Write decisions in chunks, routes together, so that workers seldom wait for each other; return what is left."""
    done, lock = 0, Lock()

    def write_chunks(share: Sequence[Decision]) -> list[Decision]:
        nonlocal done
        left: list[Decision] = []
        for start in range(0, len(share), CHUNK):
            chunk = share[start : start + CHUNK]
            left += write(chunk)
            with lock:
                done += len(chunk)
                progress(done, len(decisions))
        return left

    if workers == 1:
        return write_chunks(by_route(decisions, 1)[0])
    with ThreadPoolExecutor(workers, "reaccommodate") as pool:
        shares = pool.map(closing(write_chunks), by_route(decisions, workers))
        return [decision for share in shares for decision in share]


def closing(work: Callable[[Sequence[Decision]], list[Decision]]) -> Callable[[Sequence[Decision]], list[Decision]]:
    """Let a thread close the database connection that it has made."""

    def run(share: Sequence[Decision]) -> list[Decision]:
        try:
            return work(share)
        finally:
            connection.close()

    return run


def by_route(decisions: Sequence[Decision], workers: int) -> list[list[Decision]]:
    """Share decisions out evenly, all of a route to one worker."""
    routes: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        first = next((move.leg for move in decision.moves), decision.party.legs[0])
        routes[first.origin, first.destination].append(decision)
    shares: list[list[Decision]] = [[] for _ in range(workers)]
    for route in sorted(routes.values(), key=len, reverse=True):
        min(shares, key=len).extend(route)
    return shares


# --- What would come of it, and what came of it ---


def preview_of(effect: Effect, at: datetime) -> dict[str, Any]:
    parties = read_parties(effect.disruptions, [], times=effect.times, moving=effect.moving)
    decisions = decide(parties, effect, at)
    broken = sum(bool(broken_connections(party.legs, rules())) for party in parties)
    return outcome_of((d.status, d.party.passengers) for d in decisions) | {
        "broken_connections": broken,
        "rebooked_to": destinations(decisions),
        "oversold": {},
    }


def destinations(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    """Return the flights that passengers would get, the first to leave first. One statement."""
    bookings: Counter = Counter()
    passengers: Counter = Counter()
    for decision in decisions:
        for move in decision.moves:
            bookings[move.option] += 1
            passengers[move.option] += decision.party.passengers
    flights = read_flights([option.flight_id for option in bookings])
    return [
        {**flights[str(option.flight_id)], "cabin": option.cabin, "bookings": bookings[option],
         "passengers": passengers[option]}
        for option in sorted(bookings, key=lambda option: (option.departs_at, option.cabin_id))
    ]  # fmt: skip


def summary_of(disruption_ids: Collection[UUID]) -> dict[str, Any]:
    """Return how many flights, bookings and passengers disruptions have touched, and what became of them."""
    rows = DisruptedBooking.objects.filter(disruption__in=disruption_ids).exclude(status=Status.SUPERSEDED)
    bookings = rows.order_by("booking_id", "-pk").distinct("booking_id").values_list("status", "passengers")
    return {"flights": len(disruption_ids), **outcome_of(bookings)}


def outcome_of(bookings: Iterable[tuple[str, int]]) -> dict[str, Any]:
    counts = {status.value: {"bookings": 0, "passengers": 0} for status in Status if status != Status.SUPERSEDED}
    for status, passengers in bookings:
        counts[status]["bookings"] += 1
        counts[status]["passengers"] += passengers
    return {
        "bookings": sum(count["bookings"] for count in counts.values()),
        "passengers": sum(count["passengers"] for count in counts.values()),
        "outcome": counts,
    }
