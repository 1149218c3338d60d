"""Selling flights: the passengers, then the hold of their seats, and holding them for longer."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from bookings.forms.selling import JourneyForm, PassengersForm
from bookings.holds import hold_within
from bookings.selling import sale_of
from bookings.services import renew_hold
from flights.offers import Offer, Wish, find_offer
from flights.shopping import Party, nearest_flights
from flights.views import Row, row_of
from partners.models import Agency
from partners.pages import page
from skybridge import pages, sending
from skybridge.exceptions import DomainError
from skybridge.refusals import text_of

MOST_AGENCIES = 200


@dataclass(frozen=True)
class Journey:
    """The flights of a sale in the order chosen."""

    offers: list[Offer]
    party: Party
    at: datetime

    @property
    def rows(self) -> list[Row]:
        return [replace(row_of(offer, self.party), free_hours=offer.free_hours(self.at)) for offer in self.offers]

    @property
    def amount(self) -> Decimal:
        return sum((row.amount for row in self.rows), Decimal(0))

    @property
    def currency(self) -> str:
        return self.offers[0].currency

    def is_sold(self, offer: Offer, at: datetime) -> bool:
        return not offer.is_open(at) or offer.available < self.party.seats


@page("skybridge.confirm_booking", methods=("GET", "POST"))
def sell_page(request):
    """Ask for the passengers and hold their seats; where there are too few, offer the next best flights."""
    at = timezone.now()
    asked = JourneyForm(request.GET)
    if not asked.is_valid():
        return redirect(f"{reverse('flights')}?{request.GET.urlencode()}")
    wishes, party = asked.wishes, asked.party
    journey = read_journey(wishes, party, at)
    form = PassengersForm(
        request.POST if request.method == "POST" else None,
        kinds=party.types, first=journey.offers[0].flight.departure_date, caller=request.caller,
        agencies=agencies_known() if request.caller.is_staff else (),
    )  # fmt: skip
    if form.is_valid():
        with form.showing_refusals():
            return sending.once(request, lambda: hold(request, form, wishes, at))
        journey = read_journey(wishes, party, at)  # who was faster has changed it
    context = {"section": "sell", "journey": journey, "party": party, "instead": instead_of(request, journey, at)}
    return pages.show(request, "bookings/sale_passengers.html", context, form=form)


def hold(request, form: PassengersForm, wishes: list[Wish], at: datetime) -> HttpResponse:
    named = {"agency": form.cleaned_data.get("agency", ""), "user_id": form.cleaned_data["customer"]}
    sale = sale_of(request.caller, wishes, form.party, contact=form.contact, **named)
    view = hold_within(sale, actor=request.caller, at=at)
    return redirect("booking-extras", booking_id=str(view.booking.id))


def read_journey(wishes: list[Wish], party: Party, at: datetime) -> Journey:
    return Journey([find_offer(wish, at=at) for wish in wishes], party, at)


def agencies_known() -> list[str]:
    return list(Agency.objects.filter(is_active=True).order_by("name").values_list("name", flat=True)[:MOST_AGENCIES])


def instead_of(request, journey: Journey, at: datetime) -> list[tuple[Row, str]]:
    """Return the next best flights for the first one that cannot be sold, each with the address that takes it instead.

    At most one statement.
    """
    for place, (name, offer) in enumerate(zip(("out", "back"), journey.offers, strict=False)):
        if journey.is_sold(offer, at):
            after = journey.offers[place - 1].flight.arrives_at if place else None
            others = [other.flight.id for other in journey.offers]
            found = nearest_flights(offer, journey.party.seats, at=at, but=others, after=after)
            return [(row_of(one, journey.party), with_flight(request, name, one.flight.id)) for one in found]
    return []


def with_flight(request, name: str, flight_id: UUID) -> str:
    query = request.GET.copy()
    query[name] = str(flight_id)
    return f"{request.path}?{query.urlencode()}"


@page("skybridge.extend_hold", methods=("POST",))
def extend_page(request, booking_id):
    """Hold the seats for longer, and go back to where that was asked."""
    try:
        renew_hold(UUID(booking_id), caller=request.caller, at=timezone.now())
    except DomainError as refusal:
        if refusal.status_code == 404:
            raise
        messages.error(request, text_of(refusal))
    else:
        messages.success(request, _("The seats are held for longer."))
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(back if is_ours else reverse("booking", args=[booking_id]))
