"""A booking as its page draws it: flights, passengers, buttons and history in the order and words of people."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings.documents import BookingView, booking_document, has_left
from flights.offers import FlightFacts
from orders.booking_history import Entry
from skybridge import history
from skybridge.templatetags.pages import decimal, moment

# --- Flights and passengers ---


class Times(NamedTuple):
    departs_at: datetime
    arrives_at: datetime


@dataclass(frozen=True)
class FlightLook:
    """One flight of a booking, and where it leaves from."""

    facts: FlightFacts
    cabin: str
    gate: str = ""
    has_left: bool = False
    was: Times | None = None

    @property
    def was_departing(self) -> datetime | None:
        """Return when a flight that was moved was to leave, local to its airport."""
        if self.was is None or self.was.departs_at == self.facts.departs_at:
            return None
        return self.was.departs_at.astimezone(self.facts.departs_locally_at.tzinfo)

    @property
    def was_arriving(self) -> datetime | None:
        """Return when a flight that was moved was to arrive, local to its airport."""
        if self.was is None or self.was.arrives_at == self.facts.arrives_at:
            return None
        return self.was.arrives_at.astimezone(self.facts.arrives_locally_at.tzinfo)

    @property
    def later_by(self) -> timedelta:
        """Return how much later than planned it leaves, 0 at the least."""
        return max(self.facts.departs_at - self.was.departs_at, timedelta()) if self.was else timedelta()

    @property
    def earlier_by(self) -> timedelta:
        """Return how much earlier than planned it leaves, 0 at the least."""
        return max(self.was.departs_at - self.facts.departs_at, timedelta()) if self.was else timedelta()

    @property
    def lasts(self) -> timedelta:
        return self.facts.arrives_at - self.facts.departs_at

    @property
    def arrives_on_another_day(self) -> bool:
        return self.facts.arrives_locally_at.date() != self.facts.departs_locally_at.date()

    @property
    def leaves_on_another_day(self) -> bool:
        """Tell whether a delay has taken it past the day by which it is known."""
        return self.facts.departs_locally_at.date() != self.facts.departure_date


@dataclass(frozen=True)
class PassengerLook:
    """One passenger: the ticket's document, each coupon with its flight, and each EMD with the flight it is for."""

    ticket: Mapping[str, Any]
    coupons: list[tuple[Mapping[str, Any], FlightFacts | None]]
    extras: list[tuple[Mapping[str, Any], FlightFacts | None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return name_of(self.ticket)


@dataclass(frozen=True)
class BookingLook:
    """A booking with its document, ready to be drawn."""

    view: BookingView
    document: Mapping[str, Any]
    flights: list[FlightLook]
    passengers: list[PassengerLook]
    left: timedelta | None = None  # of a hold
    concern: str = ""  # what a disruption means for it now

    @property
    def route(self) -> str:
        """Return where the booking goes: Newark – Los Angeles, or the cities in order."""
        cities: list[str] = []
        for flight in self.flights:
            for city in (flight.facts.departure_city, flight.facts.destination_city):
                if not cities or cities[-1] != city:
                    cities.append(city)
        return " – ".join(cities)

    @property
    def has_emds(self) -> bool:
        return any(passenger.extras for passenger in self.passengers)

    @property
    def extras_amount(self) -> Decimal:
        """Return what is paid for extras that are neither void nor refunded."""
        emds = (emd for passenger in self.passengers for emd, _ in passenger.extras)
        return sum((emd["amount"] for emd in emds if emd["status"] not in ("V", "R")), Decimal(0))

    @property
    def amount_with_extras(self) -> Decimal:
        return self.view.booking.total_amount + self.extras_amount


def name_of(ticket: Mapping[str, Any]) -> str:
    return " ".join(part for part in (ticket["given_name"], ticket["surname"]) if part)


def look_of(
    view: BookingView, at: datetime, *, gates: Mapping[str, str] | None = None,
    emds: Mapping[UUID, list] | None = None, disruptions: Iterable[Mapping[str, Any]] = (), concern: str = "",
) -> BookingLook:  # fmt: skip
    """Return how a booking is drawn; `disruptions` are its own, newest first. No statement."""
    document = booking_document(view, at)
    cabins = {coupon.flight_id: coupon.cabin for _, coupons in view.tickets for coupon in coupons}
    was = times_before(disruptions)
    flights = [
        FlightLook(
            flight, cabins.get(flight.id, ""), (gates or {}).get(str(flight.id), ""), has_left(flight, at),
            was.get(flight.id),
        )
        for flight in view.flights_in_order
    ]  # fmt: skip
    passengers = [
        PassengerLook(
            ticket,
            [(coupon, view.flights.get(coupon["event_id"])) for coupon in ticket["coupons"]],
            [(emd, view.flights.get(emd["event_id"])) for emd in (emds or {}).get(ticket["ticket_id"], [])],
        )
        for ticket in document["tickets"]
    ]
    expires_at = view.booking.expires_at
    is_held = document["status"] == "pending" and not view.booking.order_id  # what is ordered ends with its order
    left = expires_at - at if is_held and expires_at and expires_at > at else None
    return BookingLook(view, document, flights, passengers, left, concern)


def times_before(disruptions: Iterable[Mapping[str, Any]]) -> dict[UUID, Times]:
    """Return when flights were to leave and arrive before their delays, or before they were retimed last, by id."""
    was: dict[UUID, Times] = {}
    known: set[UUID] = set()
    for one in disruptions:
        flight_id, kind = one["event_id"], one["kind"]
        if kind == "retime" and flight_id in was:
            known.add(flight_id)  # the delays after it count from it
        if kind in ("delay", "retime") and flight_id not in known:
            before = one["before"]
            was[flight_id] = Times(*(datetime.fromisoformat(before[name]) for name in Times._fields))
    return was


def disruption_look(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a disruption with its moments, and the route of each flight given for another."""
    decide_by = document["decide_by"]
    return {
        **document,
        "decide_at": datetime.fromisoformat(decide_by) if decide_by else None,
        "moves": [
            {
                **move,
                "from_flight": move["from"],
                "route": f"{move['to']['origin']}–{move['to']['destination']}",
                "leaves": datetime.fromisoformat(move["to"]["departureTime"]),
            }
            for move in document["moves"]
        ],
    }


# --- Buttons ---


@dataclass(frozen=True)
class Button:
    """Something that can be done now: a link to its page, or with `is_post` a form of one button."""

    label: Promise
    address: str
    look: str = "second"
    is_post: bool = False


# In the order of the page: the offer, its address, the words, the look, and what staff must be allowed to do.
BUTTONS = (
    ("pay", "booking-pay", gettext_lazy("Pay"), "", "skybridge.confirm_booking"),
    ("check_in", "booking-check-in", gettext_lazy("Check in"), "", "skybridge.check_in"),
    ("confirm", "booking-confirm", gettext_lazy("Confirm on account"), "second", "skybridge.confirm_booking"),
    ("extend", "booking-extend", gettext_lazy("Hold for longer"), "second", "skybridge.extend_hold"),
    ("seats", "booking-seats", gettext_lazy("Seats"), "second", ""),
    ("extras", "booking-extras", gettext_lazy("Bags and extras"), "second", "skybridge.confirm_booking"),
    ("add_extras", "booking-extras", gettext_lazy("Add extras"), "second", "skybridge.confirm_booking"),
    ("names", "booking-names", gettext_lazy("Names"), "second", "skybridge.change_itinerary"),
    ("change", "booking-change", gettext_lazy("Change flights or seats"), "second", "skybridge.change_itinerary"),
    ("cancel", "booking-cancel", pgettext_lazy("booking", "Cancel"), "second risky", "skybridge.cancel_booking"),
    ("refund", "booking-refund", pgettext_lazy("booking", "Refund"), "second risky", "skybridge.refund_booking"),
)
POSTED = ("confirm", "extend")


def buttons(booking_id: UUID, offers: Iterable[str], may) -> list[Button]:
    """Return the buttons of what is offered and what `may(permission)` allows; pages that are not there have none."""
    found = []
    for offer, name, label, look, permission in BUTTONS:
        if offer in offers and may(permission) and (address := address_of(name, booking_id)):
            found.append(Button(label, address, look, offer in POSTED))
    return found


def address_of(name: str, booking_id: UUID) -> str:
    try:
        return reverse(name, args=[booking_id])
    except NoReverseMatch:
        return ""


# --- Money ---


def price_words(code: str) -> str:
    """Return what a price line is called."""
    if code == "FARE":
        return _("Fare")
    if code == "PENALTY":
        return _("Fee")
    return _("Tax %(code)s") % {"code": code}


def priced(lines: Iterable[Mapping[str, Any]]) -> list[tuple[str, Decimal]]:
    """Return price lines in words, with their amounts."""
    return [(price_words(line["code"]), Decimal(line["amount"])) for line in lines]


# --- History ---

HAPPENED = {
    "booking.created": gettext_lazy("Booking made"),
    "booking.pending": gettext_lazy("Seats held"),
    "booking.confirmed": gettext_lazy("Booking confirmed"),
    "booking.canceled": gettext_lazy("Booking cancelled"),
    "booking.refunded": gettext_lazy("Booking refunded"),
    "booking.ticketed": gettext_lazy("Tickets issued"),
    "booking.changed": gettext_lazy("Booking changed"),
    "booking.partly_canceled": gettext_lazy("Part of the booking cancelled"),
    "booking.hold_extended": gettext_lazy("Hold extended"),
    "booking.contact_changed": gettext_lazy("Contact changed"),
    "booking.disrupted": gettext_lazy("Flight disrupted"),
    "booking.itinerary_mailed": gettext_lazy("Itinerary mailed"),
    "coupon.checked_in": gettext_lazy("Checked in"),
    "coupon.open": gettext_lazy("Check-in undone"),
    "coupon.lifted": gettext_lazy("Boarded"),
    "coupon.flown": gettext_lazy("Flown"),
    "coupon.exchanged": gettext_lazy("Ticket exchanged"),
    "coupon.refunded": gettext_lazy("Ticket refunded"),
    "coupon.void": gettext_lazy("Ticket voided"),
    "coupon.seated": gettext_lazy("Seat chosen"),
    "coupon.seat_cleared": gettext_lazy("Seat given up"),
    "coupon.revalidated": gettext_lazy("Moved to another flight"),
    "coupon.pass_reissued": gettext_lazy("Boarding pass replaced"),
    "coupon.no_show": gettext_lazy("Did not fly"),
    "emd.issued": gettext_lazy("Extra issued"),
    "emd.checked_in": gettext_lazy("Extra checked in"),
    "emd.open": gettext_lazy("Extra open again"),
    "emd.lifted": gettext_lazy("Extra used"),
    "emd.flown": gettext_lazy("Extra used"),
    "emd.refunded": gettext_lazy("Extra refunded"),
    "emd.void": gettext_lazy("Extra voided"),
    "emd.reassociated": gettext_lazy("Extra moved to the new ticket"),
    "bag.checked": gettext_lazy("Bag checked"),
    "bag.removed": gettext_lazy("Bag taken off"),
    "bag.flown": gettext_lazy("Bag flown"),
    "disruptedbooking.accepted": gettext_lazy("Changed flights accepted"),
    "disruptedbooking.rebooked": gettext_lazy("Rebooked after a disruption"),
    "disruptedbooking.refunded": gettext_lazy("Refund chosen after a disruption"),
    "disruptedbooking.superseded": gettext_lazy("Disrupted again"),
    "approval.asked": gettext_lazy("Second person asked"),
    "approval.granted": gettext_lazy("Second person agreed"),
    "approval.refused": gettext_lazy("Second person refused"),
    "approval.used": gettext_lazy("Second person's word used"),
    "ticket.travel_document_kept": gettext_lazy("Travel document given"),
    "ticket.travel_document_deleted": gettext_lazy("Travel document deleted"),
}
ACTORS = {
    "staff": gettext_lazy("The airline"),
    "agency": gettext_lazy("The travel agency"),
    "agent": gettext_lazy("The travel agency"),
    "traveller": gettext_lazy("The traveller"),
    "system": gettext_lazy("Automatically"),
}
DOORS = {
    "api": pgettext_lazy("by which way", "API"),
    "admin": pgettext_lazy("by which way", "back office"),
    "page": pgettext_lazy("by which way", "website"),
}
TOLD = {
    "seats": gettext_lazy("Seats"),
    "seat": gettext_lazy("Seat"),
    "flights": gettext_lazy("Flights"),
    "passengers": gettext_lazy("Passengers"),
    "total_amount": gettext_lazy("Price"),
    "refunded_amount": gettext_lazy("Refunded"),
    "expires_at": gettext_lazy("Held until"),
    "to": gettext_lazy("To"),
    "number": gettext_lazy("Number"),
}


@dataclass(frozen=True)
class HistoryLine:
    at: datetime
    words: str
    who: str
    door: str
    reason: str
    parts: list[str]
    changes: list[tuple[str, str, str]]


def history_line(entry: Entry) -> HistoryLine:
    known = HAPPENED.get(entry.action)
    who = _("You") if entry.is_own else entry.who or str(ACTORS.get(entry.kind, entry.kind))
    return HistoryLine(
        entry.at.astimezone(UTC),
        str(known) if known else history.words_of(entry.action),
        who if entry.kind != "system" else str(ACTORS["system"]),
        str(DOORS.get(entry.door, "")),
        entry.reason,
        entry.parts,
        list(told_changes(entry)),
    )


def told_changes(entry: Entry) -> Iterable[tuple[str, str, str]]:
    """Return what people want to know of before and after: the name, and both values."""
    for name, label in TOLD.items():
        before, after = entry.before.get(name), entry.after.get(name)
        if before != after:
            yield str(label), told(name, before), told(name, after)


def told(name: str, value: Any) -> str:
    return "" if value is None else WRITTEN.get(name, plain)(value)


def plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part).replace("/", " ").strip() for part in value)
    return str(value)


WRITTEN: dict[str, Callable[[str], str]] = {
    "expires_at": lambda value: moment(datetime.fromisoformat(value)),
    "total_amount": decimal,
    "refunded_amount": decimal,
}
