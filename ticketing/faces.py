"""What people are shown on a boarding pass, on paper and on screens: each field as text."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from flights.localtime import zone
from flights.models import Airport, Cabin, Flight
from ticketing import bcbp
from ticketing.models import BoardingPass, Coupon

GIVEN_UP = {
    Coupon.Status.REFUNDED: ("refunded", gettext_noop("The ticket was refunded.")),
    Coupon.Status.VOID: ("void", gettext_noop("The ticket was voided.")),
    Coupon.Status.EXCHANGED: ("exchanged", gettext_noop("The ticket was exchanged.")),
}
ENDED = {
    BoardingPass.End.REISSUED: gettext_noop("A newer boarding pass has taken its place."),
    BoardingPass.End.OFFLOADED: gettext_noop("The check-in was undone."),
    BoardingPass.End.FLIGHT_CHANGED: gettext_noop("The passenger travels on another flight."),
    BoardingPass.End.NO_SHOW: gettext_noop("The flight was closed without the passenger."),
}
CANCELLED = gettext_noop("The flight is cancelled.")
UNKNOWN_GATE = gettext_noop("See screens")


class Face(NamedTuple):
    """`refusal` is why the pass is not good any more, empty for a good one. Times are local to the airport.

    Texts are English, as on paper; those that pages translate are in their catalogues.
    """

    airline: str
    passenger: str
    designator: str
    origin: str
    origin_city: str
    destination: str
    destination_city: str
    date: str
    departs: str
    boards: str
    closes: str
    gate: str
    seat: str
    cabin: str
    sequence: str
    locator: str
    ticket: str
    bags: int
    barcode: str
    refusal: str
    departs_at: datetime

    @property
    def has_gate(self) -> bool:
        return self.gate != UNKNOWN_GATE

    @property
    def symbol_text(self) -> str:
        """Return what stands for the symbol where it cannot be seen."""
        text = gettext("Barcode of the boarding pass of %(passenger)s: %(designator)s, %(date)s, seat %(seat)s")
        return text % self._asdict()


def face_of(boarding_pass: BoardingPass) -> Face:
    """Return what is shown on a pass of `passes.readable`. The name is the signed one: in Latin letters."""
    flight, ticket = boarding_pass.flight, boarding_pass.coupon.ticket
    signed = bcbp.decode(boarding_pass.barcode)
    [leg] = signed.legs
    surname, _, given_name = signed.passenger_name.partition("/")
    number = ticket.number or ""
    return Face(
        airline=flight.carrier.name or settings.AIRLINE_NAME,
        passenger=f"{surname} / {given_name}" if given_name else surname,
        designator=f"{flight.carrier_id} {flight.flight_number}{flight.operational_suffix}",
        origin=flight.origin_id,
        origin_city=city_of(flight.origin),
        destination=flight.destination_id,
        destination_city=city_of(flight.destination),
        date=f"{flight.departure_date:%a} {flight.departure_date.day} {flight.departure_date:%b %Y}",
        departs=f"{locally(flight, flight.departs_at):%H:%M}",
        boards=f"{boards_at(flight):%H:%M}",
        closes=f"{locally(flight, flight.departs_at - settings.BOARDING_CLOSES):%H:%M}",
        gate=gate_of(flight) or UNKNOWN_GATE,
        seat=boarding_pass.seat or leg.seat,
        cabin=Cabin(leg.compartment).label,
        sequence=f"{boarding_pass.sequence_number:03}",
        locator=leg.record_locator,
        ticket=f"{number[:3]} {number[3:]}",
        bags=sum(int(tag[-3:]) for tag in (signed.bag_tag, signed.second_bag_tag, signed.third_bag_tag) if tag),
        barcode=boarding_pass.barcode,
        refusal=refusal_of(boarding_pass),
        departs_at=locally(flight, flight.departs_at),
    )


def city_of(airport: Airport) -> str:
    return airport.city or airport.name


def locally(flight: Flight, moment: datetime) -> datetime:
    return moment.astimezone(zone(flight.origin.timezone))


def boards_at(flight: Flight) -> datetime:
    """Return when passengers are asked to be at the gate, never after it closes."""
    return locally(flight, flight.departs_at - max(settings.BOARDING_CALL, settings.BOARDING_CLOSES))


def gate_of(flight: Flight) -> str:
    departure = getattr(flight, "departure", None)
    return departure.gate if departure else ""


def status_of(boarding_pass: BoardingPass) -> str:
    """Return `good`, or why a pass is not: its coupon was given up, or else why it ended."""
    given_up, _ = GIVEN_UP.get(Coupon.Status(boarding_pass.coupon.status), ("", ""))
    return given_up or boarding_pass.end_reason or "good"


def refusal_of(boarding_pass: BoardingPass) -> str:
    if given_up := GIVEN_UP.get(Coupon.Status(boarding_pass.coupon.status)):
        return given_up[1]
    if boarding_pass.ended_at:
        return ENDED[BoardingPass.End(boarding_pass.end_reason)]
    return CANCELLED if boarding_pass.flight.status == Flight.Status.CANCELLED else ""
