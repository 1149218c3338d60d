"""Changing a booking: its flights, its number of seats, a flight's date, its passengers' names. All or nothing.

What a change of a confirmed booking costs is worked out beside it (`bookings/fare_rules.py`) and returned: whoever
carries it out settles the money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from bookings.contacts import shown_phone
from bookings.documents import BookingView, is_being_ordered, obstacle, read_bookings
from bookings.exceptions import CannotChange, HoldExpired, NotChangeable, NotInBooking
from bookings.expiry import with_overdue_released
from bookings.fare_rules import (
    Settlement,
    SoldCoupon,
    cancellation_terms,
    carried_over,
    exchange_settlement,
    is_changeable,
    is_involuntary,
    purchase,
    sold_coupon,
    sold_coupons,
)
from bookings.holds import draft_ticket
from bookings.models import Booking, has_run_out, status_at
from bookings.moves import check_place
from bookings.open_tickets import point_at_flight
from bookings.parties import Passenger, check_ages, check_party, seats_of, unnamed, who_leaves
from bookings.renaming import Names, check_renaming
from bookings.services import lock_booking
from flights.inventory import cabin_ids, change_holds, take_seats
from flights.models import Flight
from flights.offers import FlightFacts, Offer, Wish, open_offer, open_offers
from partners.callers import Caller
from skybridge import events
from skybridge.identifiers import uuid7
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.emds import reassociate
from ticketing.models import Coupon, Ticket
from ticketing.services import give_up_coupons, give_up_tickets, issue_tickets, price_coupon, write_tickets


@dataclass(frozen=True)
class Change:
    """What is to change; None leaves it. `flight_designator` says which flight's date, where there are several.

    Or `flight_id` is the flight to be given up for `to_flight_id`, another one of the same route.
    """

    wishes: Sequence[Wish] | None = None
    party: Sequence[Passenger] | None = None
    seats: int | None = None
    departure_date: date | None = None
    flight_designator: str = ""
    names: Sequence[Names] | None = None
    contact: tuple[tuple[str, str], ...] = ()  # (`email` or `phone`, new value)
    flight_id: UUID | None = None
    to_flight_id: UUID | None = None

    @property
    def is_of_journey(self) -> bool:
        return any((self.wishes, self.party, self.seats, self.departure_date, self.names, self.to_flight_id))


def change_booking(
    booking_id: UUID, change: Change, *, caller: Caller, if_match: str | None = None, at: datetime | None = None
) -> tuple[BookingView, Settlement]:
    """Carry out a change whole, or raise and change nothing; return the booking as it stands then, and what it costs.

    Only what is confirmed costs anything. Raises BookingNotFound, StaleVersion, HoldExpired, CannotChange,
    NotChangeable, SoldOut, FlightClosed, FlightNotFound, PartyTooLarge or TooManyInfants.
    """
    at = at or timezone.now()
    return with_overdue_released(lambda: try_change(booking_id, change, caller, if_match, at), at=at)


def try_change(
    booking_id: UUID, change: Change, caller: Caller, if_match: str | None, at: datetime, *, rehearsal: bool = False
) -> tuple[BookingView, Settlement]:
    """Carry a change out; a rehearsal, which its caller rolls back, draws no ticket numbers."""
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller, if_match=if_match)
        before = read_bookings([booking_id])[0]
        (check_changeable if change.is_of_journey else check_open)(booking, before, at)
        work = Changing(booking, caller, at, rehearsal=rehearsal)
        if change.wishes and work.is_confirmed:
            work.set_flight(change)
        elif change.wishes:
            work.add_flights(change.wishes, change.party or unnamed(change.seats or 1))
        else:
            work.change_seats_and_date(change)
        if change.names:
            work.name_passengers(change.names)
        if change.contact:
            columns = {f"contact_{name}": value for name, value in change.contact}
            Booking.objects.filter(pk=booking_id).update(**columns)
        return work.finish(before)


def check_changeable(booking: Booking, view: BookingView, at: datetime) -> None:
    """Refuse what cannot be changed any more. Raises HoldExpired or CannotChange."""
    check_open(booking, view, at)
    if reason := obstacle(view, at):
        raise CannotChange(f"This booking cannot be changed: {reason}.")


def check_open(booking: Booking, view: BookingView, at: datetime) -> None:
    status = status_at(booking, at)
    if has_run_out(booking, at):
        raise HoldExpired(booking_status=status)
    if status not in Booking.TRANSITIONS:
        raise CannotChange(f"A booking that is {status} cannot be changed.", booking_status=status)
    if is_being_ordered(view.booking):
        raise CannotChange("An order with this booking is being processed.", order_id=view.booking.order_id)


class Segment(NamedTuple):
    """One flight of a booking."""

    sequence: int
    flight: FlightFacts
    cabin: str


class Changing:
    """One change of one locked booking."""

    def __init__(self, booking: Booking, actor: Caller, at: datetime, *, rehearsal: bool = False):
        self.booking, self.actor, self.at, self.rehearsal = booking, actor, at, rehearsal
        self.settlement = Settlement(booking.currency)

    @property
    def is_confirmed(self) -> bool:
        return self.booking.status == Booking.Status.CONFIRMED

    def view(self) -> BookingView:
        return read_bookings([self.booking.pk])[0]

    def add_flights(self, wishes: Sequence[Wish], party: Sequence[Passenger]) -> None:
        """Hold seats on the first flights of an empty booking."""
        if self.booking.status != Booking.Status.CREATED:
            raise CannotChange("Flights can be added to an empty booking only.", booking_status=self.booking.status)
        check_party(party)
        offers = open_offers(wishes, seats_of(party), at=self.at)
        expires_at = self.booking.hold_deadline(self.at)
        check_ages(party, [offer.flight.departure_date for offer in offers])
        self.add_tickets(offers, party, first_position=1)
        change_holds(self.booking.pk, {offer.cabin_id: seats_of(party) for offer in offers}, expires_at)
        self.booking.move_to(
            Booking.Status.PENDING, actor=self.actor, at=self.at,
            expires_at=expires_at, seats=seats_of(party), currency=offers[0].currency,
        )  # fmt: skip

    def set_flight(self, change: Change) -> None:
        """Give open tickets their flight, at today's price."""
        if change.seats is not None:
            raise CannotChange("A flight is set for all of the booking's open tickets; leave seats out.")
        offer, coupons = point_at_flight(self.view(), change.wishes or (), at=self.at)
        self.take({offer.cabin_id: self.booking.seats})
        self.charge(purchase(coupons))

    def add_tickets(self, offers: Sequence[Offer], party: Sequence[Passenger], *, first_position: int) -> None:
        drafts = [
            draft_ticket(self.booking.pk, position, passenger, offers, self.at)
            for position, passenger in enumerate(party, start=first_position)
        ]
        write_tickets(drafts)
        if self.is_confirmed:
            self.charge(purchase(coupon for _, coupons in drafts for coupon in coupons))

    def charge(self, settlement: Settlement) -> None:
        self.settlement = self.settlement.plus(settlement)

    def take(self, changes: dict[int, int]) -> None:
        """Take or give back seats per cabin id, as held or sold ones."""
        if self.is_confirmed:
            take_seats(changes, "sold")
        else:
            deadline = self.booking.expires_at or self.at  # a CHECK: a pending booking has one
            change_holds(self.booking.pk, changes, deadline)

    def segments(self, view: BookingView) -> list[Segment]:
        coupons = view.tickets[0][1] if view.tickets else []
        found = [Segment(k.sequence, view.flights[k.flight_id], k.cabin) for k in coupons if k.flight_id]
        if not found:
            raise CannotChange("This booking has no flight yet; add one first.", booking_status=self.booking.status)
        return found

    def change_seats_and_date(self, change: Change) -> None:
        """Let passengers leave before the flight moves, so that they pay for no exchange, and join after it."""
        fewer = change.seats is not None and change.seats < self.booking.seats
        if change.seats and fewer:
            self.change_seats(change.seats)
        if change.departure_date:
            self.move_date(change.departure_date, change.flight_designator)
        if change.to_flight_id:
            self.move_flight(change.flight_id, change.to_flight_id)
        if change.seats and not fewer:
            self.change_seats(change.seats)

    def change_seats(self, seats: int) -> None:
        """Take more seats at today's price, or give up the last ones, unnamed passengers first."""
        more = seats - self.booking.seats
        view = self.view()
        segments = self.segments(view)
        if more > 0:
            self.add_seats(more, view, segments)
        elif more < 0:
            self.give_up_seats(-more, view, segments)
        self.booking.seats = seats

    def add_seats(self, more: int, view: BookingView, segments: Sequence[Segment]) -> None:
        party = [passenger_of(ticket) for ticket, _ in view.tickets] + unnamed(more)
        check_party(party)
        wishes = [Wish(flight_id=segment.flight.id, cabin=segment.cabin) for segment in segments]
        offers = [open_offer(wish, more, at=self.at) for wish in wishes]
        self.add_tickets(offers, unnamed(more), first_position=max(t.position for t, _ in view.tickets) + 1)
        self.take({offer.cabin_id: more for offer in offers})

    def give_up_seats(self, fewer: int, view: BookingView, segments: Sequence[Segment]) -> None:
        leaving = who_leaves([ticket for ticket, _ in view.tickets], fewer)
        check_party([passenger_of(ticket) for ticket, _ in view.tickets if ticket not in leaving])
        self.give_up_passengers(view, leaving, segments, reason="fewer seats")

    def give_up_passengers(
        self, view: BookingView, leaving: Sequence[TicketFacts], segments: Sequence[Segment], *, reason: str
    ) -> None:
        """Give up all coupons of some passengers, by their fare rules."""
        ids = {ticket.id for ticket in leaving}
        self.refund([coupon for coupon in sold_coupons(view) if coupon.ticket_id in ids], view)
        give_up_tickets(list(ids), self.given_up, actor=self.actor, reason=reason, at=self.at)
        cabins = cabin_ids((segment.flight.id, segment.cabin) for segment in segments)
        self.take(dict.fromkeys(cabins.values(), -seats_of([passenger_of(ticket) for ticket in leaving])))

    def give_up_flights(self, view: BookingView, leaving: Sequence[Segment], *, reason: str) -> None:
        """Give up the coupons of all passengers on some flights, by their fare rules; their tickets go on."""
        flights = {segment.flight.id for segment in leaving}
        ids = [k.id for _, coupons in view.tickets for k in coupons if k.flight_id in flights]
        self.refund([coupon for coupon in sold_coupons(view) if coupon.coupon_id in ids], view)
        give_up_coupons(ids, self.given_up, actor=self.actor, reason=reason, at=self.at)
        cabins = cabin_ids((segment.flight.id, segment.cabin) for segment in leaving)
        self.take(dict.fromkeys(cabins.values(), -self.booking.seats))

    @property
    def given_up(self) -> str:
        """Return the status of coupons that are given up."""
        return Coupon.Status.REFUNDED if self.is_confirmed else Coupon.Status.VOID

    def refund(self, coupons: Sequence[SoldCoupon], view: BookingView) -> None:
        terms = cancellation_terms(coupons, self.at, involuntary=is_involuntary(view))
        self.charge(terms.settlement)

    def move_date(self, departure_date: date, designator: str) -> None:
        """Move one flight to the same flight of another date, at that day's price."""
        view = self.view()
        old = self.segment_named(view, designator)
        flight = old.flight
        if flight.departure_date == departure_date:
            return
        wish = Wish(designator=flight.designator, departure_date=departure_date, origin=flight.origin, cabin=old.cabin)
        self.move(view, old, open_offer(wish, self.booking.seats, at=self.at))

    def move_flight(self, flight_id: UUID | None, to_flight_id: UUID) -> None:
        """Move one flight to another one of its route, at that flight's price."""
        view = self.view()
        old = next((segment for segment in self.segments(view) if segment.flight.id == flight_id), None)
        if old is None:
            raise NotInBooking(f"Flight {flight_id} is not one of this booking.")
        new = open_offer(Wish(flight_id=to_flight_id, cabin=old.cabin), self.booking.seats, at=self.at)
        check_place(view, old.flight, new.flight)
        self.move(view, old, new)

    def move(self, view: BookingView, old: Segment, new: Offer) -> None:
        """Give up a flight for another one. Raises CannotChange or NotChangeable."""
        flight = old.flight
        if new.flight.id in view.flights:
            raise CannotChange("This booking is on that flight already.")
        if new.currency != self.booking.currency:
            raise CannotChange("That flight is sold in another currency.", currency=new.currency)
        carry_out = self.exchange if self.is_confirmed else self.repoint
        carry_out(view, flight.id, new)
        [old_id] = cabin_ids([(flight.id, old.cabin)]).values()
        self.take({old_id: -self.booking.seats, new.cabin_id: self.booking.seats})

    def segment_named(self, view: BookingView, designator: str) -> Segment:
        segments = self.segments(view)
        found = [s for s in segments if not designator or s.flight.designator == designator.upper()]
        if len(found) != 1:
            flights = [segment.flight.designator for segment in segments]
            raise CannotChange("Say with flightId which of the booking's flights is to move.", flights=flights)
        return found[0]

    def repoint(self, view: BookingView, flight_id: UUID, new: Offer) -> None:
        """Point the coupons of held tickets for a flight at another one."""
        for ticket, coupons in view.tickets:
            [old] = [coupon for coupon in coupons if coupon.flight_id == flight_id]
            coupon = price_coupon(new, old.sequence, ticket.passenger_type)
            Coupon.objects.filter(pk=old.id).update(
                **{name: value for name, value in coupon._asdict().items() if name not in ("id", "status")}
            )

    def exchange(self, view: BookingView, flight_id: UUID, new: Offer) -> None:
        """Exchange issued tickets: the old coupons become E, new tickets refer to the old ones."""
        drafts = [self.exchanged(view, ticket, coupons, flight_id, new) for ticket, coupons in view.tickets]
        self.charge_exchange(view, flight_id, [coupon for _, coupons in drafts for coupon in coupons])
        give_up_tickets(
            [ticket.id for ticket, _ in view.tickets],
            Coupon.Status.EXCHANGED, actor=self.actor, reason="date changed", at=self.at,
        )  # fmt: skip
        exchanged = {draft.id: old.id for (draft, _), (old, _) in zip(drafts, view.tickets, strict=True)}
        write_tickets(drafts, exchanged_from=exchanged)
        reassociate(exchanged, actor=self.actor, at=self.at)

    def exchanged(
        self, view: BookingView, old: TicketFacts, coupons: Sequence[CouponFacts], flight_id: UUID, new: Offer
    ) -> tuple[TicketFacts, list[CouponFacts]]:
        """Return the ticket that takes an old one's place, with the new flight's coupon."""
        ticket, _ = draft_ticket(self.booking.pk, old.position, passenger_of(old), [], self.at)
        drafts = [
            price_coupon(new, k.sequence, old.passenger_type) if k.flight_id == flight_id else k._replace(id=uuid7())
            for k in coupons
        ]
        return ticket, [
            draft._replace(fare_rules=carried_over(sold_coupon(view, old, k), draft.fare_rules))
            for draft, k in zip(drafts, coupons, strict=True)
        ]

    def charge_exchange(self, view: BookingView, flight_id: UUID, drafts: Sequence[CouponFacts]) -> None:
        """Charge change fees and the difference of fare. Raises NotChangeable."""
        coupons = [coupon for _, coupons in view.tickets for coupon in coupons]
        pairs = [
            (old, new)
            for old, new, coupon in zip(sold_coupons(view), drafts, coupons, strict=True)
            if coupon.flight_id == flight_id
        ]
        involuntary = view.flights[flight_id].status == Flight.Status.CANCELLED
        if not all(is_changeable(old, self.at, involuntary) for old, _ in pairs):
            raise NotChangeable
        self.charge(exchange_settlement(pairs, self.at, involuntary=involuntary))

    def name_passengers(self, names: Sequence[Names]) -> None:
        """Give passengers their names; allowed until somebody has checked in. Raises as `check_renaming`."""
        tickets = [ticket for ticket, _ in self.view().tickets]
        if len(names) > len(tickets):
            raise CannotChange(f"This booking has {len(tickets)} passengers, not {len(names)}.")
        for name, default in zip(names, tickets, strict=False):
            ticket_id = name.ticket_id or default.id
            ticket = next((ticket for ticket in tickets if ticket.id == ticket_id), None)
            if ticket is None:
                raise CannotChange(f"Ticket {ticket_id} is not one of this booking.")
            check_renaming(ticket, dict(name.fields), self.actor)
            Ticket.objects.filter(pk=ticket_id).update(**dict(name.fields))
        view = self.view()
        days = [flight.departure_date for flight in view.flights.values()]
        if days:
            check_ages([passenger_of(ticket) for ticket, _ in view.tickets], days)

    def finish(self, before: BookingView, action: str = "booking.changed") -> tuple[BookingView, Settlement]:
        """Issue new tickets, set the amounts, record what changed; return the booking as it stands, and the money."""
        booking = self.booking
        if self.is_confirmed and not self.rehearsal:
            issue_tickets([booking.pk], at=self.at)
        live = Coupon.objects.live(booking.pk)
        total = live.aggregate(total=Sum("total_amount"))["total"] or Decimal(0)
        refunded = booking.refunded_amount + self.settlement.refund_amount
        Booking.objects.filter(pk=booking.pk).update(
            seats=booking.seats, total_amount=total, refunded_amount=refunded, **booking.touched(self.at)
        )
        after = self.view()
        happening = events.Happening(action, booking.pk, summary(before), summary(after))
        events.record([happening], actor=self.actor, at=self.at)
        return after, self.settlement


def summary(view: BookingView) -> dict:
    """Return what a change can touch, for the event log."""
    return {
        "seats": view.booking.seats,
        "total_amount": str(view.booking.total_amount),
        "refunded_amount": str(view.booking.refunded_amount),
        "flights": [f"{f.designator} {f.departure_date}" for f in view.flights_in_order],
        "passengers": [f"{t.surname}/{t.given_name}" for t, _ in view.tickets],
        "contact": [view.booking.contact_email, shown_phone(view.booking.contact_phone)],
    }


def passenger_of(ticket: TicketFacts) -> Passenger:
    return Passenger(ticket.passenger_type, ticket.surname, ticket.given_name, ticket.title, ticket.birth_date)
