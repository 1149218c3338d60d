"""Delaying and retiming a flight: who is on it is told or asked, and whose connection breaks gets another flight."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.db import transaction

from flights.borders import is_international
from flights.localtime import zone
from flights.models import Flight
from orders.disruption.planning import Change, Effect, lock_flights, reaccommodate, summary_of
from orders.disruption.reading import Times
from orders.disruption.writing import touch_pending
from orders.exceptions import FlightExists, NothingToChange
from orders.models import Disruption
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import InvalidInput
from ticketing.exceptions import FlightCancelled

Kind = Disruption.Kind
FURTHEST = timedelta(days=366)
LATEST = timedelta(hours=48)
LONGEST = timedelta(hours=24)


def move_times(flight_id: UUID, change: Change, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Delay or retime a flight, inform or ask who is on it, and re-accommodate whose connection breaks.

    A delay keeps the date by which the flight is known; a retimed flight is known by its new one. Raises
    FlightNotFound, FlightDeparted, FlightCancelled, NothingToChange, InvalidInput or FlightExists; then nothing has
    changed.
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
    check_times(flight, change, at)
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


def check_times(flight: Flight, change: Change, at: datetime) -> None:
    """Refuse times that a flight cannot have. Raises FlightCancelled, InvalidInput or FlightExists."""
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(event_id=flight.pk)
    departs_at, arrives_at = change.departs_at or flight.departs_at, change.arrives_at or flight.arrives_at
    if not at < departs_at <= max(at, flight.departs_at) + FURTHEST:
        refuse("departs_at", f"A flight leaves after now, and at most {FURTHEST.days} days later than it did.")
    if change.kind == Kind.DELAY and not plan_of(flight) < departs_at <= flight.departs_at + LATEST:
        refuse(
            "departs_at",
            "A delay is later than planned, and at most 48 hours after the present departure; else retime it.",
        )
    if arrives_at - departs_at > LONGEST:
        refuse("arrives_at", "A flight takes at most 24 hours.")
    same = Flight.objects.filter(
        carrier=flight.carrier_id, flight_number=flight.flight_number, origin=flight.origin_id,
        operational_suffix=flight.operational_suffix, departure_date=date_of(flight, change),
    )  # fmt: skip
    if same.exclude(pk=flight.pk).exists():
        raise FlightExists


def refuse(name: str, message: str) -> NoReturn:
    raise InvalidInput(message, errors=[{"pointer": f"/{name}", "code": "out_of_range", "message": message}])


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


def plan_of(flight: Flight) -> datetime:
    """Return when a flight was to leave before its delays: as it was retimed last, or as it was first sold."""
    last = Disruption.objects.filter(flight=flight, kind=Kind.RETIME).order_by("-pk").first()
    return datetime.fromisoformat(last.after["departs_at"]) if last else planned_at(flight, flight.departs_at)


def short_delay(flight: Flight):
    crosses = is_international(flight.origin.country, flight.destination.country)
    return settings.SHORT_INTERNATIONAL_DELAY if crosses else settings.SHORT_DELAY
