"""Change, cancel and refund a booking: first what it costs, then exactly that or nothing."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.cancellations import Part
from bookings.changes import Change
from bookings.documents import BookingView, quote_document
from bookings.forms.changing import (
    CancelForm,
    ChangeForm,
    ChoiceForm,
    LookForm,
    NamesForm,
    ReasonForm,
    RefundForm,
    VersionForm,
)
from bookings.models import Booking, Quote
from bookings.moves import can_move, moves_on
from bookings.quotes import read_quote
from bookings.views.quoting import described, refund_lines, remaining_fields
from bookings.views.serving import section_of
from bookings.views.showing import disruption_look, look_of, name_of
from orders import serving
from orders.serving import By, Outcome
from partners.pages import may, page
from skybridge import pages
from skybridge.exceptions import Forbidden

CANCEL, CHANGE, REFUND = "skybridge.cancel_booking", "skybridge.change_itinerary", "skybridge.refund_booking"
BOTH = ("GET", "POST")


def by(request, at: datetime, reason: str = "") -> By:
    return By(request.caller, at, request.user if request.caller.is_staff else None, reason)


def posted(request) -> dict | None:
    return request.POST if request.method == "POST" else None


def tell(request, outcome: Outcome, done: str) -> None:
    if outcome.is_waiting:
        messages.warning(request, _("A second person must agree. It was asked for; nothing has been changed yet."))
    else:
        messages.success(request, done)


def context_of(request, view: BookingView, at: datetime, **more) -> dict:
    return {"section": section_of(request.caller), "look": look_of(view, at), "booking_id": view.booking.id, **more}


# --- Cancel ---


@page(CANCEL, guests=True, methods=BOTH)
def cancel_page(request, booking_id):
    """Ask what is to be cancelled; posted, make the quote and lead to it."""
    at = timezone.now()
    view = serving.read_changeable(UUID(booking_id), caller=request.caller)
    look = look_of(view, at)
    passengers = [(p.ticket["ticket_id"], name_of(p.ticket) or _("not named yet")) for p in look.passengers]
    flights = [(leg.facts.id, leg.facts.designator) for leg in look.flights]
    form = CancelForm(posted(request), passengers=passengers, flights=flights)
    if form.is_valid():
        with form.showing_refusals():
            quote = serving.ask_cancellation(view.booking.id, Part(*form.part), caller=request.caller)
            return redirect("booking-cancellation", view.booking.id, quote.pk)
    return pages.show(request, "bookings/booking_cancel.html", context_of(request, view, at), form=form)


@page(CANCEL, guests=True, methods=BOTH)
def cancellation_page(request, booking_id, quote_id):
    """Show what a cancellation gives back; posted, cancel at exactly that."""
    return quote_page(request, UUID(booking_id), UUID(quote_id), Quote.Kind.CANCELLATION)


@page(CHANGE, guests=True, methods=BOTH)
def change_quote_page(request, booking_id, quote_id):
    """Show what a change costs; posted, change at exactly that."""
    return quote_page(request, UUID(booking_id), UUID(quote_id), Quote.Kind.CHANGE)


def quote_page(request, booking_id: UUID, quote_id: UUID, kind: str):
    at = timezone.now()
    view = serving.read_changeable(booking_id, caller=request.caller)
    form = ReasonForm(posted(request), with_reason=request.caller.is_staff)
    if form.is_valid():
        with form.showing_refusals():
            outcome = serving.confirm_quote(booking_id, quote_id, kind, by=by(request, at, form.reason))
            tell(request, outcome, done_words(kind, outcome))
            return redirect("booking", booking_id)
    quote = read_quote(booking_id, quote_id, kind, caller=request.caller)
    products = serving.products_back(quote, view)
    more = {
        "quote": quote_document(quote, at),
        "expires_at": quote.expires_at,
        "is_change": kind == Quote.Kind.CHANGE,
        "described": described(quote, view, at),
        "lines": refund_lines(quote.lines, products),
        "products": products,
        "goes_back": quote.refund_amount + products,
        "again": remaining_fields(quote),
        "word": serving.second_word(
            view, serving.act_of(quote), quote.refund_amount + products, by=by(request, at)
        ),
    }  # fmt: skip
    return pages.show(request, "bookings/booking_quote.html", context_of(request, view, at, **more), form=form)


def done_words(kind: str, outcome: Outcome) -> str:
    if kind == Quote.Kind.CHANGE:
        return _("Changed.")
    is_whole = outcome.view is None or outcome.view.booking.status in (Booking.Status.CANCELED, Booking.Status.REFUNDED)
    return _("Cancelled.") if is_whole else _("Cancelled. The rest of the booking stays as it is.")


# --- Change ---


@page(CHANGE, guests=True, methods=BOTH)
def change_page(request, booking_id):
    """Ask what is to change, with the flights of a day and what each would cost; posted, make the quote."""
    at = timezone.now()
    view = serving.read_changeable(UUID(booking_id), caller=request.caller)
    form = ChangeForm(posted(request), initial={"seats": view.booking.seats})
    if form.is_valid():
        data = form.cleaned_data
        seats = data["seats"] if data["seats"] != view.booking.seats else None
        wanted = Change(seats=seats, flight_id=data["flight"], to_flight_id=data["to"])
        with form.showing_refusals():
            quote = serving.ask_change(view.booking.id, wanted, caller=request.caller)
            return redirect("booking-change-quote", view.booking.id, quote.pk)
    more = looked_up(request, view, at)
    return pages.show(request, "bookings/booking_change.html", context_of(request, view, at, **more), form=form)


def looked_up(request, view: BookingView, at: datetime) -> dict:
    """Return the flight that is to be given up, the day that is looked at, and the flights on it."""
    look = LookForm(request.GET)
    asked = look.cleaned_data if look.is_valid() else {}
    ahead = [flight for flight in sorted(view.flights.values(), key=lambda f: f.departs_at) if flight.departs_at > at]
    flight = next((flight for flight in ahead if flight.id == asked.get("flight")), ahead[0] if ahead else None)
    day = asked.get("date") or (flight.departure_date if flight else None)
    return {
        "ahead": ahead,
        "flight": flight,
        "date": day,
        "can_move": flight is not None and can_move(view, flight.id, at),
        "moves": moves_on(view, flight.id, day, at=at) if flight and day else [],
    }


# --- Names ---


@page(CHANGE, guests=True, methods=BOTH)
def names_page(request, booking_id):
    """Ask for names that are missing; staff correct them too."""
    at = timezone.now()
    view = serving.read_changeable(UUID(booking_id), caller=request.caller)
    form = NamesForm(posted(request), view=view, may_correct=request.caller.is_staff)
    if form.is_valid():
        with form.showing_refusals():
            if form.names:
                version = form.cleaned_data["version"]
                serving.give_names(view.booking.id, form.names, caller=request.caller, version=version)
            messages.success(request, _("The names are kept.") if form.names else _("Nothing was different."))
            return redirect("booking", view.booking.id)
    return pages.show(request, "bookings/booking_names.html", context_of(request, view, at), form=form)


# --- Confirm and refund ---


@page("skybridge.confirm_booking", methods=["POST"])
def confirm_booking(request, booking_id):
    """Sell the held seats on the owner's account."""
    form = VersionForm(request.POST)
    if form.is_valid():
        who = by(request, timezone.now())
        outcome = serving.confirm(UUID(booking_id), by=who, version=form.cleaned_data["version"])
        tell(request, outcome, _("Confirmed. The tickets are issued."))
    return redirect("booking", booking_id)


@page(REFUND, guests=True, methods=BOTH)
def refund_page(request, booking_id):
    """Show what a refund gives back; posted, refund exactly that."""
    at = timezone.now()
    form = RefundForm(posted(request), with_reason=request.caller.is_staff)
    if form.is_valid():
        data = form.cleaned_data
        with form.showing_refusals():
            outcome = serving.refund(
                UUID(booking_id), by=by(request, at, form.reason), version=data["version"], amount=data["amount"]
            )
            tell(request, outcome, _("Refunded."))
            return redirect("booking", booking_id)
    view, back = serving.refund_terms(UUID(booking_id), caller=request.caller, at=at)
    more = {
        "back": back,
        "amount_text": str(back.terms.refund_amount),
        "lines": refund_lines(back.terms.settlement.lines, back.products),
        "word": serving.second_word(view, "refund", back.total, by=by(request, at)),
    }
    return pages.show(request, "bookings/booking_refund.html", context_of(request, view, at, **more), form=form)


# --- After a disruption ---


@page("bookings.view_booking", guests=True, methods=BOTH)
def choice_page(request, booking_id, disruption_id):
    """Show what can be chosen after a disruption, with the flights of a day; posted, carry the choice out."""
    at = timezone.now()
    form = ChoiceForm(posted(request), with_reason=request.caller.is_staff)
    if form.is_valid():
        data = form.cleaned_data
        if not may(request, REFUND if data["choice"] == "refund" else CHANGE):
            raise Forbidden
        with form.showing_refusals():
            outcome = serving.choose(
                UUID(booking_id), UUID(disruption_id), data["choice"], event_id=data["event_id"],
                by=by(request, at, form.reason),
            )  # fmt: skip
            tell(request, outcome, _("Done. The booking is as you have chosen."))
            return redirect("booking", booking_id)
    return pages.show(request, "bookings/booking_choice.html", choice_context(request, booking_id, disruption_id, at),
                      form=form)  # fmt: skip


def choice_context(request, booking_id: str, disruption_id: str, at: datetime) -> dict:
    asked = LookForm(request.GET)
    day = asked.cleaned_data["date"] if asked.is_valid() else None
    choosing = serving.read_choosing(UUID(booking_id), UUID(disruption_id), day=day, by=by(request, at))
    shown = disruption_look(choosing.disruption)
    look = look_of(choosing.view, at, disruptions=choosing.disruptions)
    return {**context_of(request, choosing.view, at, choosing=choosing, disruption=shown), "look": look}
