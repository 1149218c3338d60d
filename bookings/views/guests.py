"""Travellers: show that a booking is theirs, then check in."""

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from bookings.documents import read_bookings
from bookings.forms.guests import FindForm
from bookings.guests import find_booking
from bookings.models import status_at
from partners.pages import forget_shown, page, remember_shown, shown_bookings
from skybridge import pages
from skybridge.client_addresses import client_address

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
    booking_id = find_booking(reference, surname, address=client_address(request), at=timezone.now())
    remember_shown(request, booking_id)
    request.session.set_expiry(SHOWN_FOR_SECONDS)
    own, wanted = reverse("booking", args=[booking_id]), request.POST.get("next", "")
    is_own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(own)
    return redirect(wanted if is_own else own)


def manage_context(request) -> dict:
    at, ids = timezone.now(), shown_bookings(request)
    shown = [(view, status_at(view.booking, at)) for view in read_bookings(ids)] if ids else []
    return {"section": "manage", "shown": shown, "next": request.POST.get("next", request.GET.get("next", ""))}
