"""Disruption: a flight is delayed, retimed, gets another aircraft or is cancelled by one call.

First the flight changes, in a transaction of its own; nobody can buy a seat on it, or confirm one, as it was. Then its
passengers are re-accommodated or asked (`orders/disruption/planning.py`). What they choose is `disruption_choices.py`.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from flights.exceptions import FlightNotFound
from flights.models import Flight, FlightCabin
from orders.disruption.aircraft import change_aircraft, preview_aircraft
from orders.disruption.documents import times_shown
from orders.disruption.planning import (
    Change,
    Effect,
    Progress,
    lock_flights,
    outcome_of,
    preview_of,
    reaccommodate,
    summary_of,
)
from orders.disruption.times import check_times, effect_of_times, move_times, times_of
from orders.disruption.writing import touch_pending
from orders.models import DisruptedBooking, Disruption
from skybridge.events import Actor
from skybridge.times import utc_text
from ticketing.exceptions import FlightDeparted

Kind, Status = Disruption.Kind, DisruptedBooking.Status


def disrupt(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Change a flight and deal with everybody on it; return what became of whom. The same again changes nothing.

    Outside of transactions: each step commits, and a call that was broken off is made again. Raises FlightNotFound,
    FlightDeparted, FlightCancelled, NothingToChange, FlightExists or UnknownCabin; then nothing has changed.
    """
    if change.kind == Kind.CANCELLATION:
        return cancel_flights([flight_id], change.reason, actor=actor, at=at)
    if change.kind == Kind.AIRCRAFT:
        return change_aircraft(flight_id, change, actor=actor, at=at)
    return move_times(flight_id, change, actor=actor, at=at)


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


def preview(flight_id: UUID, change: Change, *, at: datetime) -> dict[str, Any]:
    """Return what a change would do to whom, without doing it. Raises as the change would."""
    flight = Flight.objects.select_related("origin", "destination").filter(pk=flight_id).first()
    if flight is None:
        raise FlightNotFound
    if flight.status == Flight.Status.DEPARTED:
        raise FlightDeparted(event_id=flight.pk)
    if change.kind == Kind.CANCELLATION:
        return preview_cancellation([flight_id], at=at)
    if change.kind == Kind.AIRCRAFT:
        return preview_aircraft(flight, change, at)
    check_times(flight, change, at)
    return preview_of(effect_of_times(flight, times_of(flight), flight_id, change), at)


def preview_cancellation(flight_ids: Collection[UUID], *, at: datetime) -> dict[str, Any]:
    """Return what cancelling flights would do to whom, without doing it. Three statements."""
    return preview_of(Effect(dict(zip(flight_ids, flight_ids, strict=True)), "", moving=set(flight_ids)), at)


def disruptions_on(flight_id: UUID) -> list[dict[str, Any]]:
    """Return what has happened to a flight, newest first, and what became of the bookings. Three statements.

    Raises FlightNotFound.
    """
    if not Flight.objects.filter(pk=flight_id).exists():
        raise FlightNotFound
    found = list(Disruption.objects.filter(flight=flight_id).order_by("-pk"))
    touched = DisruptedBooking.objects.filter(disruption__in=found).exclude(status=Status.SUPERSEDED)
    rows: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for row in touched.only("disruption_id", "status", "passengers"):
        rows[row.disruption_id].append((row.status, row.passengers))
    return [
        {
            "disruption_id": disruption.pk,
            "event_id": disruption.flight_id,
            "kind": disruption.kind,
            "reason": disruption.reason,
            "before": times_shown(disruption.before),
            "after": times_shown(disruption.after),
            "created_at": utc_text(disruption.created_at),
            "outcome": outcome_of(rows[disruption.pk])["outcome"],
        }
        for disruption in found
    ]
