"""The check-in desk of an airport: find, check in, hand out the boarding passes, next please."""

from urllib.parse import urlencode
from uuid import UUID

from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from bookings.exceptions import BookingNotFound
from flights.models import Airport
from orders.checkin import check_in_booking
from orders.departure_board import busiest_airports
from orders.desk import Party, checked_in, find_parties, with_seats
from partners.pages import page
from skybridge import pages
from ticketing.forms.desk import FindForm, PartyForm
from ticketing.links import links_of

CHECKS_IN = "skybridge.check_in"


@page(CHECKS_IN, gates=True, methods=("GET", "POST"))
def desk_page(request):
    """Find passengers by one text, check them in, and show their boarding passes beside the empty field."""
    at = timezone.now()
    given = request.POST if request.method == "POST" else request.GET
    airports = [] if given.get("airport") else busiest_airports(at=at)
    default = airports[0][0] if airports else ""
    find = FindForm({"airport": given.get("airport") or default, "q": given.get("q", "")})
    context = {"section": "airport", "find": find, "airports": airports, "text": given.get("q", "")}
    if not find.is_valid():
        return pages.show(request, "ticketing/desk_page.html", context, form=find)
    airport, text = find.cleaned_data["airport"], find.cleaned_data["q"]
    context |= {"airport": airport, "here": urlencode({"airport": airport.pk})}
    if request.method == "POST":
        return check_in(request, airport, text, context, at)
    return found(request, airport, text, context, at)


def found(request, airport: Airport, text: str, context: dict, at):
    """Show who is meant: one party with all that is asked of it, several to choose from, or those just checked in."""
    parties = find_parties(text, airport, at=at) if text.strip() else []
    party = chosen(parties, request.GET.get("party", ""))
    context |= {"parties": [(one, key_of(one)) for one in parties], "party": party}
    if party is None:
        choices = {"choose": bool(parties), "done": done_before(request)}
        return pages.show(request, "ticketing/desk_page.html", context | choices)
    context |= {"key": key_of(party), "others": len(parties) - 1}
    if party.why is None and not party.is_done:
        context["form"] = PartyForm(with_seats(party, at=at))
    elif party.is_done:
        context["done"] = cards(*party.key)
    return pages.show(request, "ticketing/desk_page.html", context)


def check_in(request, airport: Airport, text: str, context: dict, at):
    """Check those who are chosen in; refused, all that was typed stays."""
    parties = find_parties(text, airport, at=at)
    party = next((one for one in parties if key_of(one) == request.POST.get("party")), None)
    if party is None:
        raise BookingNotFound
    form = PartyForm(party, request.POST)
    if form.is_valid():
        with form.showing_refusals():
            booking_id, flight_id = party.key
            event_id = None if form.goes_through else flight_id
            check_in_booking(booking_id, form.wishes, event_id=event_id, is_at_desk=True, caller=request.caller, at=at)
            query = {"airport": airport.pk, "done": key_of(party), "t": [str(wish.ticket_id) for wish in form.wishes]}
            return redirect(f"{reverse('desk')}?{urlencode(query, doseq=True)}")
    context |= {"party": with_seats(party, at=at), "key": key_of(party)}
    return pages.show(request, "ticketing/desk_page.html", context, form=form)


def chosen(parties: list[Party], wanted: str) -> Party | None:
    """Return the party that is wanted, else the only one, or the only one that is not checked in yet."""
    if found := next((one for one in parties if key_of(one) == wanted), None):
        return found
    open_ones = [one for one in parties if one.why is None and not one.is_done] or parties
    return open_ones[0] if len(open_ones) == 1 and wanted != "all" else None


def key_of(party: Party) -> str:
    return ".".join(str(key) for key in party.key)


def done_before(request) -> list:
    """Return the boarding passes that the last check-in has made, by what the address says."""
    booking_id, _, flight_id = request.GET.get("done", "").partition(".")
    try:
        made = cards(UUID(booking_id), UUID(flight_id))
    except ValueError:
        return []
    asked = request.GET.getlist("t")
    return [(card, links) for card, links in made if not asked or str(card.coupon.ticket_id) in asked]


def cards(booking_id: UUID, flight_id: UUID) -> list:
    return [(made, links_of(made.pk)) for made in checked_in(booking_id, flight_id)]
