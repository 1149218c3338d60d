"""Extras of a booking: in its sale, and after it, when they are added by an order of their own."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.documents import BookingView
from bookings.forms.extras import AddForm, ExtrasPayForm
from bookings.forms.paying import field_name, wanted_of
from bookings.models import Booking, status_at
from bookings.services import read_booking
from bookings.views.paying import SELL, Box, name_of, sale_extras
from flights.offers import FlightFacts
from orders.checkout import extras_for_sale
from orders.extras import Addition, Rider, additions, order_extras, riders_of
from orders.models import Order, Product
from partners.pages import page
from skybridge import pages, sending
from skybridge.pages import PageForm
from skybridge.versions import etag


class Shelf(NamedTuple):
    """A flight of a sold booking: who is on it, and rows of boxes (None where nothing can be added)."""

    flight: FlightFacts
    riders: list[tuple[str, Rider]]
    rows: list[tuple[Product, list[Box | None]]]


@page(SELL, guests=True, methods=("GET", "POST"))
def extras_page(request, booking_id):
    """Offer extras of a booking: for the sale's payment, or once it is confirmed to be added to it."""
    at = timezone.now()
    view = read_booking(UUID(booking_id), caller=request.caller)
    if request.method == "POST" or status_at(view.booking, at) == Booking.Status.CONFIRMED:
        return add_extras(request, view, at)
    if request.caller.booking_id:  # who sells pays for what is held
        return redirect("booking", booking_id=booking_id)
    return sale_extras(request, view, at)


def add_extras(request, view: BookingView, at: datetime) -> HttpResponse:
    """Offer what can be added, then show what it costs and order it; what is chosen stays in the address."""
    is_paying = request.method == "POST"
    asked = AddForm(request.GET) if is_paying or request.GET.get("step") == "pay" else None
    on_account = not request.caller.booking_id
    pay_form = ExtrasPayForm(
        request.POST if is_paying else None, booking=view.booking, on_account=on_account,
        initial={"version": etag(view.booking.version)},
    )  # fmt: skip
    form: PageForm | None = asked
    if is_paying and asked and asked.is_valid():
        form = pay_form
        if pay_form.is_valid():
            with pay_form.showing_refusals():
                return sending.once(request, lambda: order(request, view, pay_form, at))
    context = context_of(request, view, asked, at) | {"pay_form": pay_form}
    return pages.show(request, "bookings/booking_extras.html", context, form=form)


def order(request, view: BookingView, form: ExtrasPayForm, at: datetime) -> HttpResponse:
    wanted, given = wanted_of(request.GET), form.cleaned_data
    order_extras(
        view.booking.id, wanted, method=given["method"], token=given["token"], if_match=given["version"],
        caller=request.caller, at=at,
    )  # fmt: skip
    if given["method"] == Order.PaymentMethod.CARD:
        messages.success(request, _("Your payment is under way. The extras are issued as soon as it is made."))
    else:
        messages.success(request, _("The extras are ordered. They are issued within seconds."))
    return redirect("booking", booking_id=str(view.booking.id))


def priced(view: BookingView, asked: AddForm | None) -> list[Addition]:
    """Return what the address names with its prices; nothing where it is refused, which the form then says."""
    if asked is not None and asked.is_valid():
        with asked.showing_refusals():
            return additions(view, asked.wanted)
    return []


def context_of(request, view: BookingView, asked: AddForm | None, at: datetime) -> dict[str, Any]:
    flights = riders_of(view, at)
    is_open = any(rider.is_open for _, riders in flights for rider in riders)
    chosen = priced(view, asked) if is_open else []
    products = [] if chosen else [one for one in extras_for_sale(view.booking.currency) if one.rfic]
    kept = request.GET.copy()
    kept.pop("step", None)
    return {
        "section": "manage" if request.caller.booking_id else "serve",
        "booking": view.booking,
        "flights": sorted(view.flights.values(), key=lambda flight: flight.departs_at),
        "shelves": [shelf_of(flight, riders, products, request.GET) for flight, riders in flights],
        "is_open": is_open,
        "has_rows": bool(products),
        "chosen": [(name_of(addition.ticket), addition) for addition in chosen],
        "total": sum((addition.amount for addition in chosen), Decimal(0)),
        "back": f"?{kept.urlencode()}",
    }


def shelf_of(flight: FlightFacts, riders: list[Rider], products: list[Product], query: Mapping[str, str]) -> Shelf:
    is_open = any(rider.is_open for rider in riders)
    rows = [(one, [box_of(one, rider, query) for rider in riders]) for one in products] if is_open else []
    return Shelf(flight, [(name_of(rider.ticket), rider) for rider in riders], rows)


def box_of(product: Product, rider: Rider, query: Mapping[str, str]) -> Box | None:
    if not rider.is_open:
        return None
    name = field_name(product.pk, rider.position, rider.sequence)
    who = name_of(rider.ticket)
    return Box(product, name, query.get(name, ""), who, f"{product.name}, {who}")
