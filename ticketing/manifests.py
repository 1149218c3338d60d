"""A flight's manifest: who is on it, in which state, with which bags. Two statements for any number of passengers."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from flights.airports import fold
from flights.exceptions import FlightNotFound
from flights.models import Cabin, Flight
from partners.statements import as_cell
from skybridge.models import Event
from skybridge.times import utc_text
from ticketing.bags import NO_SHOW
from ticketing.models import Bag, BoardingPass, Coupon, Departure, PassengerType


class State(StrEnum):
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    BOARDED = "boarded"
    NO_SHOW = "no_show"
    FLOWN = "flown"


STATES = {
    Coupon.Status.OPEN: State.BOOKED,
    Coupon.Status.CHECKED_IN: State.CHECKED_IN,
    Coupon.Status.LIFTED: State.BOARDED,
    Coupon.Status.FLOWN: State.FLOWN,
}
CONFIRMED = "confirmed"  # bookings are upstairs
COLUMNS = (
    "sequence_number", "seat", "surname", "given_name", "title", "passenger_type", "ticket_number", "record_locator",
    "cabin", "state", "boarded_at", "bags", "bags_kg",
)  # fmt: skip


class CheckedBag(NamedTuple):
    tag_number: str
    weight_kg: Decimal
    status: str


class Traveller(NamedTuple):
    """One passenger of a flight; `bags` are those that are or were checked on it, but for those taken off by choice."""

    coupon_id: UUID
    surname: str
    given_name: str
    title: str
    passenger_type: str
    ticket_number: str | None
    record_locator: str
    cabin: str
    seat: str | None
    sequence_number: int | None
    state: State
    boarded_at: datetime | None
    bags: list[CheckedBag]

    @property
    def loaded(self) -> list[CheckedBag]:
        return [bag for bag in self.bags if bag.status != Bag.Status.REMOVED]

    @property
    def name(self) -> str:
        given = " ".join(filter(None, (self.given_name, self.title)))
        return ", ".join(filter(None, (self.surname, given))) or "(not named)"

    @property
    def place(self) -> tuple:
        """Return what the manifest is sorted by: sequence number, then seat, then name; who has none comes last."""
        seat = (int(self.seat[:-1]), self.seat[-1]) if self.seat else (1000, "")
        return (self.sequence_number or 1_000_000, seat, self.name, self.coupon_id)


class Manifest(NamedTuple):
    flight: Flight
    departure: Departure
    travellers: list[Traveller]
    at: datetime

    @property
    def no_shows(self) -> list[Traveller]:
        return [traveller for traveller in self.travellers if traveller.state == State.NO_SHOW]


def read_manifest(flight_id: UUID, *, at: datetime) -> Manifest:
    """Return a flight's manifest. Two statements. Raises FlightNotFound."""
    flights = Flight.objects.select_related("departure", "origin", "destination")
    flight = flights.filter(pk=flight_id).first()
    if flight is None:
        raise FlightNotFound
    departure = flight.departure if hasattr(flight, "departure") else Departure(flight=flight)
    travellers = [traveller_of(row) for row in coupons_on(flight_id)]
    return Manifest(flight, departure, sorted(travellers, key=lambda traveller: traveller.place), at)


def coupons_on(flight_id: UUID) -> QuerySet:
    """Return the live coupons of sold tickets on a flight, with the last sequence number and the bags of each.

    A coupon may have had passes and bags of another flight, or of a check-in that was undone.
    """
    passes = BoardingPass.objects.filter(coupon=OuterRef("pk"), flight=OuterRef("flight"))
    left_behind = Event.objects.filter(subject_id=OuterRef("pk"), action="bag.removed", reason=NO_SHOW)
    bags = Bag.objects.filter(coupon=OuterRef("pk"), checked_at__gte=OuterRef("checked_in_at"))
    bags = bags.filter(~Q(status=Bag.Status.REMOVED) | Exists(left_behind)).order_by("tag_number")
    found = Coupon.objects.filter(
        flight_id=flight_id, status__in=Coupon.LIVE, ticket__booking__status=CONFIRMED, ticket__is_superseded=False
    )
    return found.annotate(
        number_at_check_in=Subquery(passes.order_by("-issued_at", "-pk").values("sequence_number")[:1]),
        tagged=ArraySubquery(bags.values(bag=JSONObject(tag="tag_number", kg="weight_kg", status="status"))),
    ).values_list(
        "pk", "ticket__surname", "ticket__given_name", "ticket__title", "ticket__passenger_type", "ticket__number",
        "ticket__booking__locator", "cabin", "seat", "number_at_check_in", "status", "is_no_show", "boarded_at",
        "tagged",
    )  # fmt: skip


def traveller_of(row: tuple) -> Traveller:
    *facts, status, is_no_show, boarded_at, tagged = row
    state = State.NO_SHOW if is_no_show else STATES[Coupon.Status(status)]
    bags = [CheckedBag(bag["tag"], Decimal(str(bag["kg"])), bag["status"]) for bag in tagged]
    return Traveller._make((*facts, state, boarded_at, bags))


def matching(travellers: Iterable[Traveller], text: str, state: State | None = None) -> list[Traveller]:
    """Keep the passengers in a state whose name, locator, seat, ticket or sequence number a text begins or is."""
    words = fold(text).split()
    code = "".join(text.split()).upper()
    return [t for t in travellers if (state is None or t.state == state) and (not words or is_meant(t, words, code))]


def is_meant(traveller: Traveller, words: Sequence[str], code: str) -> bool:
    numbers = (traveller.record_locator, traveller.seat, traveller.ticket_number, str(traveller.sequence_number))
    names = fold(traveller.name).split()
    return code in numbers or all(any(name.startswith(word) for name in names) for word in words)


# --- Counts ---


def counts_of(travellers: Iterable[Traveller]) -> dict[str, Any]:
    """Count passengers by state, infants on laps (in their state too), and the bags that go along with their weight."""
    found = list(travellers)
    states = Counter(traveller.state for traveller in found)
    bags = [bag for traveller in found for bag in traveller.loaded]
    return {
        **{state.value: states[state] for state in State},
        "passengers": len(found),
        "infants": sum(traveller.passenger_type == PassengerType.INFANT for traveller in found),
        "bags": len(bags),
        "bags_kg": sum((bag.weight_kg for bag in bags), Decimal(0)),
    }


def cabins_of(travellers: Iterable[Traveller]) -> list[dict[str, Any]]:
    """Return the counts of each cabin, the first cabin first."""
    found = list(travellers)
    cabins = [cabin for cabin in Cabin.values if any(traveller.cabin == cabin for traveller in found)]
    return [{"cabin": cabin, **counts_of(t for t in found if t.cabin == cabin)} for cabin in cabins]


# --- JSON ---


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    return {
        "flight": flight_document(manifest),
        "counts": counts_of(manifest.travellers),
        "cabins": cabins_of(manifest.travellers),
        "passengers": [traveller_document(traveller) for traveller in manifest.travellers],
        "made_at": utc_text(manifest.at),
    }


def close_out_document(manifest: Manifest) -> dict[str, Any]:
    """Return what a close-out has come to: the no-shows, and their bags, which are to be taken off the aircraft."""
    to_remove = [
        {**bag_document(bag), "coupon_id": traveller.coupon_id, "surname": traveller.surname}
        for traveller in manifest.no_shows
        for bag in traveller.bags
    ]
    return {
        "flight": flight_document(manifest),
        "counts": counts_of(manifest.travellers),
        "no_shows": [traveller_document(traveller) for traveller in manifest.no_shows],
        "bags_to_remove": to_remove,
    }


def flight_document(manifest: Manifest) -> dict[str, Any]:
    flight, departure = manifest.flight, manifest.departure
    return {
        "event_id": flight.pk,
        "flightId": flight.designator,
        "departureDate": flight.departure_date,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "departs_at": utc_text(flight.departs_at),
        "status": flight.status,
        "aircraft_type": flight.aircraft_type,
        "registration": flight.registration,
        "gate": departure.gate or None,
        "boarding_opens_at": utc_text(flight.departs_at - settings.BOARDING_OPENS),
        "boarding_closes_at": utc_text(flight.departs_at - settings.BOARDING_CLOSES),
        "closed_at": utc_text(departure.closed_at),
    }


def traveller_document(traveller: Traveller) -> dict[str, Any]:
    return {
        "coupon_id": traveller.coupon_id,
        "sequence_number": traveller.sequence_number,
        "seat": traveller.seat,
        "surname": traveller.surname,
        "given_name": traveller.given_name,
        "title": traveller.title,
        "passenger_type": traveller.passenger_type,
        "ticket_number": traveller.ticket_number,
        "record_locator": traveller.record_locator,
        "cabin": traveller.cabin,
        "state": traveller.state.value,
        "boarded_at": utc_text(traveller.boarded_at),
        "bags": [bag_document(bag) for bag in traveller.loaded],
        "bags_kg": sum((bag.weight_kg for bag in traveller.loaded), Decimal(0)),
    }


def bag_document(bag: CheckedBag) -> dict[str, Any]:
    return {"tag_number": bag.tag_number, "weight_kg": bag.weight_kg, "status": bag.status}


# --- CSV ---

CELLS: dict[str, Callable[[dict], Any]] = {"bags": lambda row: " ".join(bag["tag_number"] for bag in row["bags"])}


def manifest_csv(manifest: Manifest) -> str:
    """Return the passengers as CSV; what a spreadsheet would take for a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for traveller in manifest.travellers:
        row = traveller_document(traveller)
        writer.writerow([as_cell(CELLS.get(name, lambda row, name=name: row[name])(row)) for name in COLUMNS])
    return out.getvalue()


def file_name(manifest: Manifest, ending: str) -> str:
    flight = manifest.flight
    return f"manifest-{flight.designator}-{flight.departure_date}-{flight.origin_id}.{ending}"
