"""Travellers: show that a booking is theirs, then check in."""

from datetime import datetime
from uuid import UUID

from babel.core import get_global
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from bookings.documents import read_bookings
from bookings.forms.guests import CheckInForm, FindForm, UndoForm, full_name
from bookings.guests import find_booking
from bookings.models import status_at
from flights.borders import COUNTRIES
from orders.checkin import check_in_booking, undo_check_in
from orders.online_check_in import CheckInView, Traveller, read_check_in
from orders.serving import can_add_extras
from partners.pages import forget_shown, may, page, remember_shown, shown_bookings
from skybridge import pages
from skybridge.client_addresses import household
from skybridge.templatetags.pages import locale
from skybridge.versions import etag
from ticketing.faces import boards_at, locally
from ticketing.links import links_of
from ticketing.models import BoardingPass

SHOWN_FOR_SECONDS = 12 * 3600  # a session of a traveller


@page(anyone=True, methods=("GET", "POST"))
def manage_page(request):
    """Ask for locator and surname, and list what this session has shown."""
    if request.caller:
        return redirect("bookings")
    if request.POST.get("action") == "forget":
        forget_shown(request)
        messages.success(request, _("This device does not show your bookings any more."))
        return redirect("manage")
    form = FindForm(
        request.POST if request.method == "POST" else None, initial={"reference": request.GET.get("reference")}
    )
    if form.is_valid():
        with form.showing_refusals():
            return show_booking(request, **form.cleaned_data)
    return pages.show(request, "bookings/manage_page.html", manage_context(request), form=form)


def show_booking(request, reference: str, surname: str):
    """Open a booking to this session and lead to it, or to the page of it that was wanted."""
    booking_id = find_booking(reference, surname, address=household(request), at=timezone.now())
    remember_shown(request, booking_id)
    request.session.set_expiry(SHOWN_FOR_SECONDS)
    own, wanted = reverse("booking", args=[booking_id]), request.POST.get("next", "")
    is_own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(own)
    return redirect(wanted if is_own else own)


def manage_context(request) -> dict:
    at, ids = timezone.now(), [UUID(shown) for shown in shown_bookings(request)]
    shown = [(view, status_at(view.booking, at)) for view in read_bookings(ids)] if ids else []
    return {"section": "manage", "shown": shown, "next": request.POST.get("next", request.GET.get("next", ""))}


# --- Check-in ---


@page("skybridge.check_in", guests=True, methods=("GET", "POST"))
def check_in_page(request, booking_id):
    """Check some or all passengers in on what is open, and lead to their boarding passes; undo it."""
    at = timezone.now()
    found = read_check_in(UUID(booking_id), caller=request.caller, at=at)
    form_class, act = (UndoForm, undo) if request.POST.get("action") == "undo" else (CheckInForm, check_in)
    form = None
    if request.method == "POST":
        form = bound(form_class, found, request.POST)
        if form.is_valid():
            with form.showing_refusals():
                act(request, found, form, at)
                return redirect("booking-check-in", booking_id)
    return pages.show(request, "bookings/check_in_page.html", check_in_context(request, found, form), form=form)


def bound(form_class, found: CheckInView, data=None):
    if form_class is UndoForm:
        return UndoForm(data, travellers=[one for one in found.travellers if one.is_checked_in])
    version = {"version": etag(found.view.booking.version)}
    return CheckInForm(data, initial=version, found=found)


def check_in(request, found: CheckInView, form: CheckInForm, at: datetime) -> None:
    version = form.cleaned_data["version"]
    check_in_booking(found.view.booking.id, form.wishes(), caller=request.caller, at=at, if_match=version)
    messages.success(request, _("You are checked in. Here are the boarding passes."))


def undo(request, found: CheckInView, form: UndoForm, at: datetime) -> None:
    undo_check_in(form.cleaned_data["ticket"], caller=request.caller, at=at)
    messages.success(request, _("The check-in is undone. The seat stays."))


def check_in_context(request, found: CheckInView, form) -> dict:
    asking = form if isinstance(form, CheckInForm) else bound(CheckInForm, found)
    return {
        "section": "manage" if request.caller.booking_id else "serve",
        "found": found,
        "booking": found.view.booking,
        "status": status_at(found.view.booking, timezone.now()),
        "asking": asking,
        "lines": asking.lines(),
        "passes": [pass_line(one, boarding_pass) for one in found.travellers for boarding_pass in one.passes],
        "undoable": [(one, full_name(one.ticket)) for one in found.travellers if one.is_checked_in],
        "countries": countries() if found.needs_documents and found.waiting else [],
        "refused_name": refused_name(form, found),
        "can_add_extras": can_add_extras(found.view, request.caller, timezone.now())
        and may(request, "skybridge.confirm_booking"),
    }


def pass_line(one: Traveller, boarding_pass: BoardingPass) -> dict:
    flight = boarding_pass.flight
    return {
        "name": full_name(one.ticket),
        "pass": boarding_pass,
        "flight": flight,
        "departs_at": locally(flight, flight.departs_at),
        "boards_at": boards_at(flight),
        "bags": [bag for bag in one.bags if bag.coupon_id == boarding_pass.coupon_id],
        "links": links_of(boarding_pass.pk),
    }


def refused_name(form, found: CheckInView) -> str:
    """Return whom a refusal is about, where it says so."""
    ticket_id = form.refusal.details.get("ticket_id") if form is not None and form.refusal else None
    return next((full_name(one.ticket) for one in found.travellers if one.ticket.id == ticket_id), "")


def countries() -> list[tuple[str, str]]:
    """Return the three letters of each country with its name in the visitor's language, where it has one."""
    two_letters, names = get_global("territory_aliases"), locale().territories
    found = [(code, names.get((two_letters.get(code) or [code])[0], code)) for code in COUNTRIES]
    return sorted(found, key=lambda pair: pair[1])
