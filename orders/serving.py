"""What people do to a booking on its page, with what the page's callers may do and the API's do not meet.

A traveller changes only what no agency has sold. Staff give back more than the limit only with a second person's word,
asked for and used as in the back office: an approval is of the booking, whichever of the two pages it is used on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

from bookings.cancellations import Part
from bookings.changes import Change
from bookings.documents import BookingFacts, BookingView, available_actions, is_being_ordered, obstacle
from bookings.exceptions import QuoteStale
from bookings.fare_rules import Terms
from bookings.models import Booking, Quote, status_at
from bookings.parties import who_leaves
from bookings.quotes import part_of, quote_cancellation, quote_change, read_quote
from bookings.renaming import Names
from bookings.services import check_action, read_booking, terms_of
from flights.models import Flight
from flights.offers import FlightFacts, Offer
from flights.search import Search, search_flights
from orders import reservations
from orders.disruption import choices
from orders.emds import takes_extras
from orders.exceptions import AskAgency, DisruptionNotFound, OwnerPays, PayFirst
from partners.callers import Caller
from skybridge import approvals, context
from skybridge.versions import etag
from ticketing.emds import OPEN
from ticketing.models import Emd

MOST_OFFERS = 30
REFUND = "refund_booking"  # the act that a second person agrees to


@dataclass(frozen=True)
class By:
    """Who acts, when and why; staff come with their user, whom a second person's word is asked for."""

    caller: Caller
    at: datetime
    user: User | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What has come of it; `is_waiting`: nothing yet, a second person has been asked."""

    view: BookingView | None
    is_waiting: bool = False


def is_agencys(view: BookingView, caller: Caller) -> bool:
    """Tell whether only the agency that sold a booking may change it, not this caller."""
    return bool(caller.booking_id and view.booking.agency_id)


def read_changeable(booking_id: UUID, *, caller: Caller) -> BookingView:
    """Return a booking that the caller may change. Raises BookingNotFound or AskAgency."""
    view = read_booking(booking_id, caller=caller)
    if is_agencys(view, caller):
        raise AskAgency(agency=view.booking.agency_name)
    return view


# --- Quotes ---


def ask_cancellation(booking_id: UUID, part: Part, *, caller: Caller) -> Quote:
    """Quote a cancellation. Raises AskAgency, or as `quote_cancellation`."""
    read_changeable(booking_id, caller=caller)
    return quote_cancellation(booking_id, part, caller=caller)


def ask_change(booking_id: UUID, change: Change, *, caller: Caller) -> Quote:
    """Quote a change. Raises AskAgency, OwnerPays, or as `quote_change`."""
    view = read_changeable(booking_id, caller=caller)
    with transaction.atomic():
        quote = quote_change(booking_id, change, caller=caller)
        refuse_to_spend(view, quote, caller)
    return quote


def refuse_to_spend(view: BookingView, quote: Quote, caller: Caller) -> None:
    """Refuse a traveller who has only shown a sold booking what its owner's account or card would pay.

    Raises OwnerPays.
    """
    if caller.booking_id and view.booking.order_id and quote.due_amount > 0:
        raise OwnerPays


def confirm_quote(booking_id: UUID, quote_id: UUID, kind: str, *, by: By) -> Outcome:
    """Carry out exactly what a quote says.

    Raises AskAgency, OwnerPays, or as `pay_quote` and `reservations.confirm_quote`.
    """
    view = read_changeable(booking_id, caller=by.caller)
    quote = read_quote(booking_id, quote_id, kind, caller=by.caller)
    refuse_to_spend(view, quote, by.caller)
    back = quote.refund_amount + products_back(quote, view)
    is_needed = needs_second_word(view, back, by)
    if not is_needed:
        reservations.pay_quote(booking_id, quote_id, kind, caller=by.caller)

    def carry_out() -> BookingView:
        return reservations.confirm_quote(booking_id, quote_id, kind, caller=by.caller)

    facts = refund_facts(act_of(quote), back, quote.currency)
    return with_second_word(booking_id, facts, by, carry_out, is_needed=is_needed)


def act_of(quote: Quote) -> str:
    """Return what a quote's approval is called: cancelling a part is another act than cancelling all."""
    if quote.kind == Quote.Kind.CHANGE:
        return "change"
    return "cancel_part" if any(quote.request.values()) else "cancel"


def products_back(quote: Quote, view: BookingView) -> Decimal:
    """Return what products for passengers go back besides when a quote is carried out, at full price. One statement."""
    if quote.kind == Quote.Kind.CANCELLATION:
        return products_of(quote.booking_id, part_of(quote.request))
    fewer = view.booking.seats - (quote.request.get("seats") or view.booking.seats)
    leaving = [ticket.id for ticket in who_leaves([ticket for ticket, _ in view.tickets], max(fewer, 0))]
    return products_of(quote.booking_id, Part(leaving)) if leaving else Decimal(0)


def products_of(booking_id: UUID, part: Part, statuses: Collection[str] = OPEN) -> Decimal:
    emds = Emd.objects.filter(ticket__booking=booking_id, status__in=statuses)
    if part.ticket_ids:
        emds = emds.filter(ticket__in=part.ticket_ids)
    if part.flight_ids:
        emds = emds.filter(coupon__flight__in=part.flight_ids)
    return emds.aggregate(total=Sum("amount"))["total"] or Decimal(0)


# --- Confirm, refund ---


def confirm(booking_id: UUID, *, by: By, version: int) -> Outcome:
    """Sell a booking on its owner's account as it was shown, and have the confirmation mailed to its contact.

    Raises PayFirst, or as `confirm_booking`.
    """
    if by.caller.booking_id:
        raise PayFirst
    return Outcome(reservations.confirm_booking(booking_id, caller=by.caller, if_match=etag(version), with_mail=True))


@dataclass(frozen=True)
class GoesBack:
    """What refunding a booking gives back: by its fare rules, and products for passengers besides, whole."""

    terms: Terms
    products: Decimal

    @property
    def total(self) -> Decimal:
        return self.terms.refund_amount + self.products


def refund_terms(booking_id: UUID, *, caller: Caller, at: datetime) -> tuple[BookingView, GoesBack]:
    """Return a booking and what refunding it now would give back. Two statements.

    Raises BookingNotFound, AskAgency, OrderInProgress or ActionNotAllowed.
    """
    view = read_changeable(booking_id, caller=caller)
    reservations.refuse_while_ordered(view)
    check_action(view, "refund", at)
    return view, GoesBack(terms_of(view, at), products_of(booking_id, Part()))


def refund(booking_id: UUID, *, by: By, version: int, amount: Decimal) -> Outcome:
    """Refund a booking by its fare rules as it was shown.

    Raises QuoteStale for another amount, or as `refund_terms` and `close_booking`.
    """
    view, back = refund_terms(booking_id, caller=by.caller, at=by.at)
    if back.terms.refund_amount != amount:
        raise QuoteStale

    def carry_out() -> BookingView:
        return reservations.close_booking(
            booking_id, "refund", caller=by.caller, reason=by.reason, if_match=etag(version), giving_back=amount,
            at=by.at,
        )  # fmt: skip

    facts = refund_facts("refund", back.total, view.booking.currency)
    is_needed = needs_second_word(view, back.total, by)
    return with_second_word(booking_id, facts, by, carry_out, is_needed=is_needed)


def give_names(booking_id: UUID, names: Sequence[Names], *, caller: Caller, version: int) -> BookingView:
    """Give passengers their names. Raises AskAgency, or as `reservations.change`."""
    read_changeable(booking_id, caller=caller)
    return reservations.change(booking_id, Change(names=names), caller=caller, if_match=etag(version))


# --- After a disruption ---


@dataclass(frozen=True)
class Choosing:
    """A disruption of a booking: its document, and the flights of a day that could be taken instead."""

    view: BookingView
    disruptions: Sequence[Mapping[str, Any]]  # all of the booking, newest first
    disruption: Mapping[str, Any]
    choices: Sequence[str]
    day: date | None
    offers: Sequence[Offer]
    back: Decimal
    word: str


def read_choosing(booking_id: UUID, disruption_id: UUID, *, day: date | None, by: By) -> Choosing:
    """Return what can be chosen after a disruption. Six statements at most.

    Raises BookingNotFound or DisruptionNotFound.
    """
    view = read_booking(booking_id, caller=by.caller)
    found = choices.disruptions_seen(booking_id, at=by.at)
    disruption = next((one for one in found if one["disruption_id"] == disruption_id), None)
    if disruption is None:
        raise DisruptionNotFound
    allowed = [c for c in disruption["choices"] if c == "accept" or not is_agencys(view, by.caller)]
    route = route_of(view, disruption) if "rebook" in allowed else None
    if route is None:
        allowed = [choice for choice in allowed if choice != "rebook"]
    day = day or (route.departure_date if route else None)
    offers = offers_on(view, route, day, by.at) if route and day else []
    back = whole_refund(view, by.at) if "refund" in allowed else Decimal(0)
    return Choosing(view, found, disruption, allowed, day, offers, back, second_word(view, "disruption", back, by=by))


def route_of(view: BookingView, disruption: Mapping[str, Any]) -> FlightFacts | None:
    """Return the booking's flight that a disruption is about: the disrupted one, or what was given for it."""
    given = [disruption["event_id"], *(move["to"]["event_id"] for move in disruption["moves"])]
    return next((view.flights[pk] for pk in reversed(given) if pk in view.flights), None)


def offers_on(view: BookingView, old: FlightFacts, day: date, at: datetime) -> list[Offer]:
    cabin = next(k.cabin for _, coupons in view.tickets for k in coupons if k.flight_id == old.id)
    search = Search(old.origin, old.destination, day, seats=max(view.booking.seats, 1), cabin=cabin)
    found, _ = search_flights(search, at=at, limit=MOST_OFFERS)
    return [offer for offer in found if offer.flight.id not in view.flights and offer.is_open(at)]


def whole_refund(view: BookingView, at: datetime) -> Decimal:
    return terms_of(view, at, waived=True).refund_amount + products_of(view.booking.id, Part())


def choose(booking_id: UUID, disruption_id: UUID, choice: str, *, event_id: UUID | None = None, by: By) -> Outcome:
    """Carry out what a passenger chooses. An agency's passenger accepts alone, and else asks the agency.

    Raises AskAgency, or as `orders.disruption.choices.choose`.
    """
    view = read_booking(booking_id, caller=by.caller)
    if choice != "accept" and is_agencys(view, by.caller):
        raise AskAgency(agency=view.booking.agency_name)

    def carry_out() -> BookingView:
        choices.choose(booking_id, disruption_id, choice, event_id=event_id, caller=by.caller, at=by.at)
        return read_booking(booking_id, caller=by.caller)

    back = whole_refund(view, by.at) if choice == "refund" else Decimal(0)
    facts = refund_facts("disruption", back, view.booking.currency)
    is_needed = choice == "refund" and needs_second_word(view, back, by)
    return with_second_word(booking_id, facts, by, carry_out, is_needed=is_needed)


# --- A second person's word ---


def needs_second_word(view: BookingView, back: Decimal, by: By) -> bool:
    """Tell whether staff must ask somebody else; an agency and its customers stand in for themselves.

    What has gone back of the booking before counts, so that many small parts are not a way around the limit. At most
    one statement.
    """
    return by.caller.is_staff and is_too_much(view.booking, back)


def is_too_much(booking: BookingFacts | Booking, back: Decimal) -> bool:
    """Tell whether what goes back, with what has gone back of the booking before, is above one person's limit."""
    if back <= 0:
        return False
    before = booking.refunded_amount + products_of(booking.id, Part(), [Emd.Status.REFUNDED])
    return approvals.refund_needs_approval(before + back, booking.currency)


def refund_facts(act: str, amount: Decimal, currency: str) -> dict:
    """Return what an approval is about, in the back office's words."""
    return {"act": act, "amount": amount, "currency": currency}


def with_second_word(
    booking_id: UUID, facts: dict, by: By, carry_out: Callable[[], BookingView], *, is_needed: bool
) -> Outcome:
    """Carry out what a second person has granted, using the approval up in the same transaction, or ask for it.

    Raises ApprovalPending while somebody has not decided yet.
    """
    with context.saying(by.reason):
        if not is_needed:
            return Outcome(carry_out())
        try:
            with transaction.atomic():
                approvals.require_granted(REFUND, booking_id, facts, actor=by.caller, at=by.at)
                return Outcome(carry_out())
        except approvals.ApprovalRequired:
            if by.user is None:
                raise
            approvals.ask(REFUND, booking_id, facts, reason=by.reason, user=by.user, at=by.at)
    return Outcome(None, is_waiting=True)


def second_word(view: BookingView, act: str, back: Decimal, *, by: By) -> str:
    """Return how a second person's word stands: "" where none is needed, else `needed`, `pending` or `granted`."""
    if not needs_second_word(view, back, by):
        return ""
    facts = refund_facts(act, back, view.booking.currency)
    return approvals.state_of(REFUND, view.booking.id, facts, at=by.at) or "needed"


# --- What is offered ---


def offered(view: BookingView, *, caller: Caller, at: datetime) -> set[str]:
    """Return what can be done with a booking now; what staff may do is for their role to say besides.

    `confirm`, `cancel` and `refund` are the document's actions.
    """
    actions = set(available_actions(view, at))
    status = status_at(view.booking, at)
    is_live = status in (Booking.Status.PENDING, Booking.Status.CONFIRMED) and not is_being_ordered(view.booking)
    ahead = [flight for flight in view.flights.values() if flight.departs_at > at]
    if is_live and ahead:
        actions |= {"seats"}
    if is_live and view.flights and not obstacle(view, at):
        actions |= {"change"} | ({"names"} if caller.is_staff or has_unnamed(view) else set())
    if is_live and status == Booking.Status.PENDING:
        actions |= {"pay", "extend", "extras"}
    if status == Booking.Status.CONFIRMED and any(is_open_for_check_in(flight, at) for flight in ahead):
        actions |= {"check_in"}
    if can_add_extras(view, caller, at):
        actions |= {"add_extras"}
    return actions - (SELLING if caller.booking_id else set()) - (CHANGING if is_agencys(view, caller) else set())


def can_add_extras(view: BookingView, caller: Caller, at: datetime) -> bool:
    """Tell whether a passenger of a sold booking can have more; who has only shown it can pay by card alone."""
    if status_at(view.booking, at) != Booking.Status.CONFIRMED or (caller.booking_id and not settings.PAYMENT_PROVIDER):
        return False
    coupons = (coupon for _, coupons in view.tickets for coupon in coupons if coupon.flight_id)
    return any(takes_extras(coupon, view.flights[coupon.flight_id], at) for coupon in coupons)  # type: ignore[index]


SELLING = {"confirm", "pay", "extend", "extras"}  # for who sells: not for a traveller who has shown a booking
CHANGING = {"cancel", "refund", "change", "names"}  # for the agency that sold a booking, not for its passengers


def has_unnamed(view: BookingView) -> bool:
    return any(not (ticket.surname and ticket.given_name) for ticket, _ in view.tickets)


def is_open_for_check_in(flight: FlightFacts, at: datetime) -> bool:
    opens, closes = settings.CHECK_IN_OPENS, settings.CHECK_IN_CLOSES
    return flight.status != Flight.Status.CANCELLED and flight.departs_at - opens <= at < flight.departs_at - closes
