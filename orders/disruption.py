"""Disruption: a flight is delayed, retimed or cancelled by one call, and its passengers are re-accommodated or asked.

First the flight changes, in a transaction of its own; nobody can buy a seat on it, or confirm one, as it was. Then the
bookings on it are read, planned in memory by the rules of `orders/reaccommodation.py`, and written some hundred at a
time. Whatever has changed meanwhile is read and planned again. A run that was broken off is taken up by the next; one
that was finished changes nothing.
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

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from flights.borders import is_international
from flights.exceptions import FlightNotFound
from flights.localtime import zone
from flights.models import Flight, FlightCabin
from orders.disruption_reading import Times, read_parties, read_supply, rules
from orders.disruption_writing import CHUNK, Decision, leg_text, touch_pending, write_decisions
from orders.exceptions import FlightExists, NothingToChange
from orders.models import DisruptedBooking, Disruption
from orders.reaccommodation import Party, Plan, broken_connections, plan
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import ConcurrentChange
from ticketing.exceptions import FlightCancelled, FlightDeparted

Kind, Status = Disruption.Kind, DisruptedBooking.Status
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


Decide = Callable[[Sequence[Party], datetime], Sequence[Decision]]


# --- Cancelling flights ---


def cancel_flights(
    flight_ids: Collection[UUID],
    reason: str = "",
    *,
    actor: Actor,
    at: datetime,
    workers: int = 1,
    progress: Progress = lambda done, size: None,
) -> dict[str, Any]:
    """Cancel flights and re-accommodate everybody on them; return what became of whom, as `summary_of` does.

    Several workers write at once, each through a connection of its own; outside of transactions only. Raises
    FlightNotFound or FlightDeparted; then nothing has changed.
    """
    disruptions = call_off(flight_ids, reason, actor=actor, at=at)
    touch_pending(disruptions.values(), at=at)
    effect = Effect(disruptions, reason, moving=set(disruptions))
    reaccommodate(effect, actor=actor, at=at, workers=workers, progress=progress)
    return summary_of(disruptions.values())


@transaction.atomic
def call_off(flight_ids: Collection[UUID], reason: str, *, actor: Actor, at: datetime) -> dict[UUID, UUID]:
    """Cancel flights and close their sale; return their disruptions, also of those that were cancelled before."""
    flights = lock_flights(flight_ids)
    known = dict(Disruption.objects.filter(flight__in=flights, kind=Kind.CANCELLATION).values_list("flight_id", "pk"))
    new = [
        Disruption(
            flight=flight, kind=Kind.CANCELLATION, reason=reason, before={"status": flight.status},
            after={"status": Flight.Status.CANCELLED}, actor_kind=actor.kind, actor_id=actor.id, created_at=at,
        )
        for flight in flights.values()
        if flight.pk not in known
    ]  # fmt: skip
    flying = [flight for flight in flights.values() if flight.status != Flight.Status.CANCELLED]
    Flight.move_all(flying, Flight.Status.CANCELLED, actor=actor, reason=reason, at=at, updated_at=at)
    Disruption.objects.bulk_create(new)
    cabins = FlightCabin.objects.filter(flight__in=flights, on_sale=True).order_by("pk").select_for_update(no_key=True)
    FlightCabin.objects.filter(pk__in=[cabin.pk for cabin in cabins]).update(on_sale=False)
    return known | {disruption.flight_id: disruption.pk for disruption in new}


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


# --- Delaying and retiming a flight ---


def move_times(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Delay or retime a flight, inform or ask who is on it, and re-accommodate whose connection breaks.

    A delay keeps the date by which the flight is known; a retimed flight is known by its new one. Raises
    FlightNotFound, FlightDeparted, FlightCancelled, NothingToChange or FlightExists; then nothing has changed.
    """
    disruption = set_times(flight_id, change, actor=actor, at=at)
    touch_pending([disruption.pk], at=at)
    reaccommodate(effect_of_times(disruption.flight, disruption.before, disruption.pk, change), actor=actor, at=at)
    return summary_of([disruption.pk])


@transaction.atomic
def set_times(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> Disruption:
    """Give a flight its new times; return the disruption, the last one if that is what it did."""
    flight = lock_flights([flight_id])[flight_id]
    before, after = times_of(flight), times_after(flight, change)
    if before == after:
        return same_as_last(flight, change, after)
    check_times(flight, change)
    disruption = Disruption.objects.create(
        flight=flight, kind=change.kind, reason=change.reason, before=before, after=after, actor_kind=actor.kind,
        actor_id=actor.id, created_at=at,
    )  # fmt: skip
    changes: dict[str, Any] = {"departs_at": change.departs_at, "arrives_at": change.arrives_at, "updated_at": at}
    if change.kind == Kind.RETIME:
        changes["departure_date"] = date_of(flight, change)
    status = Flight.Status.DELAYED if change.kind == Kind.DELAY else Flight.Status.SCHEDULED
    Flight.objects.filter(pk=flight.pk).update(**changes)
    if flight.status != status:
        flight.move_to(status, actor=actor, reason=change.reason, at=at)
    for name, value in changes.items():
        setattr(flight, name, value)
    action = "flight.delayed_to" if change.kind == Kind.DELAY else "flight.retimed"
    record([Happening(action, flight.pk, before, after, change.reason)], actor=actor, at=at)
    return disruption


def times_of(flight: Flight) -> dict[str, str]:
    return {
        "departs_at": flight.departs_at.isoformat(),
        "arrives_at": flight.arrives_at.isoformat(),
        "departure_date": flight.departure_date.isoformat(),
    }


def times_after(flight: Flight, change: Change) -> dict[str, str]:
    departs_at, arrives_at = change.departs_at or flight.departs_at, change.arrives_at or flight.arrives_at
    zero = flight.departs_at.tzinfo
    return {
        "departs_at": departs_at.astimezone(zero).isoformat(),
        "arrives_at": arrives_at.astimezone(zero).isoformat(),
        "departure_date": date_of(flight, change).isoformat(),
    }


def date_of(flight: Flight, change: Change):
    """Return the local date by which a flight is known after a change."""
    if change.kind != Kind.RETIME or change.departs_at is None:
        return flight.departure_date
    return change.departs_at.astimezone(zone(flight.origin.timezone)).date()


def same_as_last(flight: Flight, change: Change, after: dict[str, str]) -> Disruption:
    last = Disruption.objects.filter(flight=flight).order_by("-pk").first()
    if last is None or last.kind != change.kind or last.after != after:
        raise NothingToChange
    last.flight = flight
    return last


def check_times(flight: Flight, change: Change) -> None:
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(event_id=flight.pk)
    same = Flight.objects.filter(
        carrier=flight.carrier_id, flight_number=flight.flight_number, origin=flight.origin_id,
        operational_suffix=flight.operational_suffix, departure_date=date_of(flight, change),
    )  # fmt: skip
    if same.exclude(pk=flight.pk).exists():
        raise FlightExists


def effect_of_times(flight: Flight, before: Mapping[str, str], disruption_id: UUID, change: Change) -> Effect:
    was = [datetime.fromisoformat(before[name]) for name in ("departs_at", "arrives_at")]
    departs_at, arrives_at = change.departs_at or flight.departs_at, change.arrives_at or flight.arrives_at
    return Effect(
        {flight.pk: disruption_id},
        change.reason,
        times={flight.pk: Times(was[0], was[1], departs_at, arrives_at)},
        needs_choice=abs(departs_at - planned_at(flight, was[0])) >= short_delay(flight),
        ends_check_in=before["departure_date"] != date_of(flight, change).isoformat(),
    )


def planned_at(flight: Flight, was_departing_at: datetime) -> datetime:
    """Return when a flight was to leave before it was first delayed or retimed, so that small delays add up."""
    first = Disruption.objects.filter(flight=flight, kind__in=(Kind.DELAY, Kind.RETIME)).order_by("pk").first()
    return datetime.fromisoformat(first.before["departs_at"]) if first else was_departing_at


def short_delay(flight: Flight):
    crosses = is_international(flight.origin.country, flight.destination.country)
    return settings.SHORT_INTERNATIONAL_DELAY if crosses else settings.SHORT_DELAY


# --- Re-accommodating whoever is touched ---


def reaccommodate(
    effect: Effect,
    *,
    actor: Actor,
    at: datetime,
    workers: int = 1,
    progress: Progress = lambda done, size: None,
) -> None:
    """Decide for everybody whom an effect touches and who has no decision yet, and write it down.

    Raises ConcurrentChange when bookings go on changing; what was written stays, and calling again goes on.
    """
    write = partial(write_decisions, actor=actor, reason=effect.reason, at=at)
    for _ in range(ROUNDS):
        parties = read_touched(effect)
        if not parties:
            return
        decisions = decide(parties, effect, at)
        if not write_all(decisions, write, workers, progress):
            return
    raise ConcurrentChange


def read_touched(effect: Effect) -> list[Party]:
    return read_parties(effect.disruptions, effect.disruptions.values(), times=effect.times, moving=effect.moving)


def decide(parties: Sequence[Party], effect: Effect, at: datetime) -> list[Decision]:
    """Return what becomes of each party; one statement and the plan in memory."""
    airline = rules()
    plans = plan(parties, read_supply(parties, at, without=effect.moving), airline, at)
    return [decision_of(party, plans[party.booking_id], effect) for party in parties]


def decision_of(party: Party, moves: Plan, effect: Effect) -> Decision:
    touching = {leg.flight_id for leg in party.legs if not leg.is_flown} & set(effect.disruptions)
    kept = Status.WAITING if moves is None or effect.needs_choice else Status.ACCEPTED
    disruptions = {flight_id: effect.disruptions[flight_id] for flight_id in touching}
    return Decision(party, Status.REBOOKED if moves else kept, moves or [], disruptions, effect.ends_check_in)


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


def preview(flight_id: UUID, change: Change, *, at: datetime) -> dict[str, Any]:
    """Return what a change would do to whom, without doing it. Raises as the change would."""
    flight = Flight.objects.select_related("origin", "destination").filter(pk=flight_id).first()
    if flight is None:
        raise FlightNotFound
    if flight.status == Flight.Status.DEPARTED:
        raise FlightDeparted(event_id=flight.pk)
    if change.kind == Kind.CANCELLATION:
        effect = Effect({flight_id: flight_id}, change.reason, moving={flight_id})
    else:
        check_times(flight, change)
        effect = effect_of_times(flight, times_of(flight), flight_id, change)
    return preview_of(effect, at)


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
    """Return the flights that passengers would get, the first to leave first."""
    bookings: Counter = Counter()
    passengers: Counter = Counter()
    for decision in decisions:
        for move in decision.moves:
            bookings[move.option] += 1
            passengers[move.option] += decision.party.passengers
    return [
        {"event_id": option.flight_id, "flight": leg_text(option), "cabin": option.cabin, "bookings": bookings[option],
         "passengers": passengers[option]}
        for option in sorted(bookings, key=lambda option: (option.departs_at, option.cabin_id))
    ]  # fmt: skip


def summary_of(disruption_ids: Collection[UUID]) -> dict[str, Any]:
    """Return how many flights, bookings and passengers disruptions have touched, and what became of them."""
    rows = DisruptedBooking.objects.filter(disruption__in=disruption_ids).exclude(status=Status.SUPERSEDED)
    bookings = rows.order_by("booking_id", "-pk").distinct("booking_id").values_list("status", "passengers")
    latest = Disruption.objects.filter(pk__in=disruption_ids).aggregate(at=Max("created_at"))
    return {"flights": len(disruption_ids), "created_at": latest["at"], **outcome_of(bookings)}


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
