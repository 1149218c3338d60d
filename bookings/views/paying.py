"""Paying for held seats: extras, the price of it all, the payment, and what has come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.documents import BookingView
from bookings.exceptions import HoldExpired
from bookings.forms.paying import PREFIX, CardForm, PayForm, field_name, wanted_of
from bookings.models import Booking, status_at
from bookings.services import read_booking
from flights.offers import FlightFacts
from orders import checkout
from orders.exceptions import BookingNotForSale
from orders.executions import find_execution
from orders.models import Execution, Order, Product
from orders.seats import seat_prices
from orders.services import redrive_execution
from partners.callers import Caller
from partners.pages import page
from skybridge import pages, sending
from skybridge.exceptions import DomainError
from ticketing.documents import TicketFacts

SELL = "skybridge.confirm_booking"
LONG_WAIT_S = 20


class Box(NamedTuple):
    """A field in which somebody says how many of a product."""

    product: Product
    name: str
    value: str
    who: str
    label: str


class Shelf(NamedTuple):
    """What is sold for one flight (None: for nobody in particular): a row of boxes for each product."""

    flight: FlightFacts | None
    rows: list[tuple[Product, list[Box]]]


def sale_extras(request, view: BookingView, at: datetime) -> HttpResponse:
    """Offer extras of a held booking; the quantities go into the address of the next page."""
    try:
        checkout.check_held(view, at)
    except (BookingNotForSale, HoldExpired) as refusal:
        return elsewhere(request, str(view.booking.id), refusal, at)
    products = checkout.extras_for_sale(view.booking.currency)
    shelves = shelves_of(view, products, request.GET)
    kept = kept_of(request.GET, shelves)
    context = held_context(view, at) | {"shelves": shelves, "kept": kept}
    context["so_far"] = view.booking.total_amount + seats_amount(kept, request.caller)
    context["names"] = [name_of(ticket) for ticket, _ in view.tickets]
    context["free_bags"] = settings.FREE_CHECKED_BAGS
    return pages.show(request, "bookings/sale_extras.html", context)


def shelves_of(view: BookingView, products: Sequence[Product], query: Mapping[str, str]) -> list[Shelf]:
    """Return what is sold by flight, in order of travel, then what is for nobody in particular."""
    legs = [(k.sequence, view.flights[k.flight_id]) for k in view.tickets[0][1] if k.flight_id]
    shelves = [
        Shelf(flight, [(one, boxes_of(view, one, sequence, query)) for one in products if one.rfic])
        for sequence, flight in legs
    ]
    shelves.append(Shelf(None, [(one, [box(one, query)]) for one in products if not one.rfic]))
    return [shelf for shelf in shelves if shelf.rows]


def kept_of(query: QueryDict, shelves: Sequence[Shelf]) -> list[tuple[str, str]]:
    """Return what the address says beside the boxes: the seats that are wanted, and what they cost."""
    names = {box.name for shelf in shelves for _, boxes in shelf.rows for box in boxes}
    kept = [name for name in query if name == "wish" or (name.startswith(f"{PREFIX}.") and name not in names)]
    return [(name, value) for name in kept for value in query.getlist(name)]


def seats_amount(kept: Sequence[tuple[str, str]], caller: Caller) -> Decimal:
    """Return what the seats cost that are wanted. At most one statement."""
    prices = seat_prices(caller) if kept else {}
    found = (prices.get(name.split(".")[-1]) for name, _ in kept)
    return sum((price.amount for price in found if price), Decimal(0))


def boxes_of(view: BookingView, product: Product, sequence: int, query: Mapping[str, str]) -> list[Box]:
    return [box(product, query, name_of(ticket), place, sequence) for place, (ticket, _) in enumerate(view.tickets, 1)]


def box(product: Product, query: Mapping[str, str], who: str = "", position: int = 0, sequence: int = 0) -> Box:
    name = field_name(product.pk, position, sequence)
    return Box(product, name, query.get(name, ""), who, f"{product.name}, {who}" if who else product.name)


def name_of(ticket: TicketFacts) -> str:
    unnamed = _("Passenger %(number)s") % {"number": ticket.position}
    return f"{ticket.given_name} {ticket.surname}".strip() or unnamed


@page(SELL, methods=("GET", "POST"))
def pay_page(request, booking_id):
    """Show the price of it all, and order it."""
    at = timezone.now()
    try:
        due = checkout.read_checkout(UUID(booking_id), wanted_of(request.GET), caller=request.caller, at=at)
    except (BookingNotForSale, HoldExpired) as refusal:
        return elsewhere(request, booking_id, refusal, at)
    form = PayForm(request.POST if request.method == "POST" else None, booking=due.view.booking)
    if form.is_valid():
        with form.showing_refusals():
            return sending.once(request, lambda: pay(request, due, form))
    return pages.show(request, "bookings/sale_payment.html", held_context(due.view, at) | {"due": due}, form=form)


def pay(request, due: checkout.Checkout, form: PayForm) -> HttpResponse:
    checkout.pay(due, form.cleaned_data["method"], form.cleaned_data["token"], caller=request.caller)
    return to_outcome(request, due.view.booking.id)


def to_outcome(request, booking_id: UUID | str) -> HttpResponse:
    """Lead to what comes of a sale, with the seats that are paid for and can be taken then."""
    wishes = wishes_of(request)
    return redirect(reverse("booking-sold", args=[booking_id]) + (f"?{wishes}" if wishes else ""))


def wishes_of(request) -> str:
    return urlencode([("wish", wish) for wish in request.GET.getlist("wish")])


def elsewhere(request, booking_id: str, refusal: DomainError, at: datetime) -> HttpResponse:
    """Lead on from a booking that is sold already, or being sold; from one that has run out, to its flights again."""
    if "order_id" in refusal.details:
        return to_outcome(request, booking_id)
    if not isinstance(refusal, HoldExpired):
        raise refusal
    context = held_context(read_booking(UUID(booking_id), caller=request.caller), at)
    return pages.show(request, "bookings/sale_expired.html", context | {"again": search_again(context["view"])})


def search_again(view: BookingView) -> str:
    """Return the address of the search that found a booking's flights."""
    flights = sorted(view.flights.values(), key=lambda flight: flight.departs_at)
    types = [ticket.passenger_type for ticket, _ in view.tickets]
    query = {
        "origin": flights[0].origin, "destination": flights[0].destination, "departure": flights[0].departure_date,
        "homeward": flights[1].departure_date if len(flights) > 1 else "", "adults": types.count("ADT"),
        "children": types.count("CHD"), "infants": types.count("INF"), "cabin": view.tickets[0][1][0].cabin,
    }  # fmt: skip
    return f"{reverse('flights')}?{urlencode(query)}"


def held_context(view: BookingView, at: datetime) -> dict[str, Any]:
    flights = sorted(view.flights.values(), key=lambda flight: flight.departs_at)
    left = max(0, int((view.booking.expires_at - at).total_seconds())) if view.booking.expires_at else 0
    return {"section": "sell", "view": view, "booking": view.booking, "flights": flights, "seconds_left": left}


@page(SELL, methods=("GET", "POST"))
def sold_page(request, booking_id):
    """Show what has come of a sale, and take another card where one was declined."""
    at = timezone.now()
    view = read_booking(UUID(booking_id), caller=request.caller)
    if view.booking.order_id is None:
        return redirect("booking", booking_id=booking_id)
    execution = find_execution(str(view.booking.order_id), caller=request.caller)
    form = CardForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.showing_refusals():
            return sending.once(request, lambda: pay_again(request, booking_id, execution, form))
    context = held_context(view, at) | {"outcome": outcome_of(view, execution, at), "wishes": wishes_of(request)}
    return pages.show(request, "bookings/sale_outcome.html", context, form=form)


def pay_again(request, booking_id: str, execution: Execution, form: CardForm) -> HttpResponse:
    redrive_execution(execution.order_id, caller=request.caller, payment_token=form.cleaned_data["token"])
    return to_outcome(request, booking_id)


@dataclass(frozen=True)
class Outcome:
    """What has come of a sale: `ticketed`, `waiting`, `declined`, `failed` or `ended`."""

    state: str
    order: Order
    is_long: bool
    can_pay_again: bool
    error: str

    @property
    def amount(self) -> Decimal:
        return self.order.total_amount


def outcome_of(view: BookingView, execution: Execution, at: datetime) -> Outcome:
    order = execution.order
    is_long = (at - (execution.redriven_at or execution.started_at)).total_seconds() > LONG_WAIT_S
    is_card = order.payment_method == Order.PaymentMethod.CARD
    can_pay_again = is_card and "redrive" in execution.available_actions
    return Outcome(state_of(view, execution, at), order, is_long, can_pay_again, execution.error)


def state_of(view: BookingView, execution: Execution, at: datetime) -> str:
    status = status_at(view.booking, at)
    if status == Booking.Status.CONFIRMED and all(ticket.number for ticket, _ in view.tickets):
        return "ticketed"
    if status not in (Booking.Status.CONFIRMED, Booking.Status.PENDING):
        return "ended"
    if execution.status == Execution.Status.RUNNING:
        return "waiting"
    return "declined" if "declined" in execution.error.casefold() else "failed"
