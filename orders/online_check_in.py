"""What travellers see of their check-in: which flights are open, who still needs a document, which passes there are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from bookings.documents import BookingView
from bookings.services import read_booking
from flights.borders import is_international
from flights.localtime import zone
from flights.models import Airport, Flight
from flights.offers import FlightFacts
from orders.seat_choice import flights_of
from partners.callers import Caller
from ticketing.bags import bags_bought, bags_of, included
from ticketing.checkin import ABOARD, closes_at, opens_at
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.models import Bag, BoardingPass, Coupon, Departure, TravelDocument, takes_seat
from ticketing.passes import passes_of

OPEN, TOO_EARLY, TOO_LATE, CANCELLED, LEFT = "open", "too_early", "too_late", "cancelled", "left"


class Leg(NamedTuple):
    """A flight of the booking and whether its check-in is open; times are the departure airport's."""

    flight: FlightFacts
    state: str
    opens_at: datetime
    closes_at: datetime
    is_abroad: bool


class Traveller(NamedTuple):
    """A passenger with what there is of the check-in.

    `masked` is the travel document that is kept, or empty; `bags_bought` counts bags by coupon.
    """

    ticket: TicketFacts
    coupons: Sequence[CouponFacts]
    passes: Sequence[BoardingPass]
    bags: Sequence[Bag]
    masked: str
    bags_bought: Mapping[UUID, int]

    def bags_included(self, flight_ids: Iterable[UUID]) -> int:
        """Return how many bags can be checked on each of these flights, as far as this passenger is on them."""
        has_seat = takes_seat(self.ticket.passenger_type)
        coupons = [coupon for flight_id in flight_ids if (coupon := self.on(flight_id))]
        return min((included(has_seat, self.bags_bought.get(coupon.id, 0)) for coupon in coupons), default=0)

    def on(self, flight_id: UUID) -> CouponFacts | None:
        live = (coupon for coupon in self.coupons if coupon.status in Coupon.LIVE)
        return next((coupon for coupon in live if coupon.flight_id == flight_id), None)

    @property
    def is_checked_in(self) -> bool:
        return any(coupon.status in ABOARD for coupon in self.coupons)


class CheckInView(NamedTuple):
    view: BookingView
    legs: Sequence[Leg]
    travellers: Sequence[Traveller]

    @property
    def open_legs(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.state == OPEN]

    @property
    def next_leg(self) -> Leg | None:
        """Return the first flight that has not left."""
        return next((leg for leg in self.legs if leg.state not in (LEFT, CANCELLED)), None)

    @property
    def needs_documents(self) -> bool:
        return any(leg.is_abroad for leg in self.open_legs)

    @property
    def waiting(self) -> list[Traveller]:
        """Return who can be checked in now and is not yet."""
        ids = [leg.flight.id for leg in self.open_legs]
        return [t for t in self.travellers if any((k := t.on(i)) and k.status == Coupon.Status.OPEN for i in ids)]


def read_check_in(booking_id: UUID, *, caller: Caller, at: datetime) -> CheckInView:
    """Return a booking as its check-in sees it. Seven statements. Raises BookingNotFound."""
    view = read_booking(booking_id, caller=caller)
    flights = flights_of(view)
    countries = dict(Airport.objects.filter(iata__in=airports_of(flights)).values_list("iata", "country"))
    closed = Departure.objects.filter(flight__in=[flight.id for flight in flights], closed_at__isnull=False)
    closed_out = set(closed.values_list("flight_id", flat=True))
    legs = [leg_of(flight, countries, flight.id in closed_out, caller, at) for flight in flights]
    return CheckInView(view, legs, travellers_of(view))


def airports_of(flights: Sequence[FlightFacts]) -> set[str]:
    return {code for flight in flights for code in (flight.origin, flight.destination)}


def leg_of(flight: FlightFacts, countries: dict[str, str], is_closed_out: bool, caller: Caller, at: datetime) -> Leg:
    local = zone(flight.origin_zone)
    opens, closes = opens_at(flight), closes_at(flight)  # type: ignore[arg-type]
    state = state_of(flight, opens, flight.departs_at if caller.is_staff else closes, is_closed_out, at)
    abroad = is_international(countries[flight.origin], countries[flight.destination])
    return Leg(flight, state, opens.astimezone(local), closes.astimezone(local), abroad)


def state_of(flight: FlightFacts, opens: datetime, closes: datetime, is_closed_out: bool, at: datetime) -> str:
    if flight.status == Flight.Status.CANCELLED:
        return CANCELLED
    if flight.status == Flight.Status.DEPARTED or flight.departs_at <= at:
        return LEFT
    if at < opens:
        return TOO_EARLY
    return TOO_LATE if at >= closes or is_closed_out else OPEN


def travellers_of(view: BookingView) -> list[Traveller]:
    """Return the passengers of a booking in order. Four statements."""
    ids = [coupon.id for _, coupons in view.tickets for coupon in coupons]
    passes, bags, bought = passes_of(ids), bags_of(ids), bags_bought(ids)
    kept = TravelDocument.objects.filter(ticket__in=[ticket.id for ticket, _ in view.tickets])
    masked = dict(kept.values_list("ticket_id", "masked"))
    return [
        Traveller(
            ticket,
            coupons,
            [found for found in passes if found.coupon.ticket_id == ticket.id],
            [bag for bag in bags if bag.coupon.ticket_id == ticket.id],
            masked.get(ticket.id, ""),
            bought,
        )
        for ticket, coupons in view.tickets
    ]
