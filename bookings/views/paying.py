"""Paying for held seats: extras, the price of it all, the payment, and what has come of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from bookings.documents import BookingView
from bookings.forms.paying import CardForm, PayForm, field_name, wanted_of
from bookings.models import Booking, status_at
from bookings.services import read_booking
from flights.offers import FlightFacts
from orders import checkout
from orders.exceptions import BookingNotForSale
from orders.executions import find_execution
from orders.models import Execution, Order, Product
from orders.services import redrive_execution
from partners.pages import page
from skybridge import pages, sending
from ticketing.documents import TicketFacts

SELL = "skybridge.confirm_booking"
LONG_WAIT_S = 20


@dataclass(frozen=True)
class Shelf:
    """A product with the fields in which so many are wanted, by flight and passenger."""

    product: Product
    fields: list[tuple[FlightFacts | None, TicketFacts | None, str, str]]


@page(SELL)
def extras_page(request, booking_id):
    """Offer extras; the quantities go into the address of the next page."""
    at = timezone.now()
    try:
        view = checkout.read_held(UUID(booking_id), caller=request.caller, at=at)
    except BookingNotForSale as refusal:
        return elsewhere(booking_id, refusal)
    products = checkout.extras_for_sale(view.booking.currency)
    shelves = [Shelf(product, fields_of(view, product, request.GET)) for product in products]
    context = held_context(view, at) | {"shelves": shelves, "several": len(view.flights) > 1}
    return pages.show(request, "bookings/sale_extras.html", context)


def fields_of(view: BookingView, product: Product, query) -> list[tuple]:
    if not product.rfic:
        name = field_name(product.pk)
        return [(None, None, name, query.get(name, ""))]
    fields = []
    for ticket, coupons in view.tickets:
        for coupon in coupons:
            if coupon.flight_id:
                name = field_name(product.pk, ticket.position, coupon.sequence)
                fields.append((view.flights[coupon.flight_id], ticket, name, query.get(name, "")))
    return sorted(fields, key=lambda field: field[0].departs_at)


@page(SELL, methods=("GET", "POST"))
def pay_page(request, booking_id):
    """Show the price of it all, and order it."""
    at = timezone.now()
    try:
        due = checkout.read_checkout(UUID(booking_id), wanted_of(request.GET), caller=request.caller, at=at)
    except BookingNotForSale as refusal:
        return elsewhere(booking_id, refusal)
    form = PayForm(request.POST if request.method == "POST" else None, booking=due.view.booking)
    if form.is_valid():
        with form.showing_refusals():
            return sending.once(request, lambda: pay(request, due, form))
    return pages.show(request, "bookings/sale_payment.html", held_context(due.view, at) | {"due": due}, form=form)


def pay(request, due: checkout.Checkout, form: PayForm) -> HttpResponse:
    checkout.pay(due, form.cleaned_data["method"], form.cleaned_data["token"], caller=request.caller)
    return redirect("booking-sold", booking_id=str(due.view.booking.id))


def elsewhere(booking_id: str, refusal: BookingNotForSale) -> HttpResponse:
    """Lead on from a booking that is sold, or being sold, already; another refusal is shown."""
    if "order_id" not in refusal.details:
        raise refusal
    return redirect("booking-sold", booking_id=booking_id)


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
    context = held_context(view, at) | {"outcome": outcome_of(view, execution, at)}
    return pages.show(request, "bookings/sale_outcome.html", context, form=form)


def pay_again(request, booking_id: str, execution: Execution, form: CardForm) -> HttpResponse:
    redrive_execution(execution.order_id, caller=request.caller, payment_token=form.cleaned_data["token"])
    return redirect("booking-sold", booking_id=booking_id)


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
