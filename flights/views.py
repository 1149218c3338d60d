"""The pages on which flights are found: the search with its results, and the places that a beginning can mean."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from babel import Locale
from django.http import JsonResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from flights.forms import FlightsForm
from flights.offers import Offer, Wish, find_offer
from flights.places import Place, known_places
from flights.search import Search, search_flights
from flights.shopping import DayWithSeats, Party, days_with_seats, nearest_days, seats_left
from partners.pages import page
from skybridge import pages

PAGE = 20
STRIP = timedelta(days=3)
LAST_ZONE = timedelta(hours=12)  # where a day ends last


@dataclass(frozen=True)
class Row:
    """A flight as the results show it; `both_ways` is what the party pays with the way out that is chosen.

    `free_hours`: for how long all goes back after a sale, where the fare's rules are shown.
    """

    offer: Offer
    amount: Decimal
    seats_left: int | None
    both_ways: Decimal | None = None
    free_hours: int = 0

    @property
    def days_later(self) -> int:
        flight = self.offer.flight
        return (flight.arrives_locally_at.date() - flight.departs_locally_at.date()).days

    @property
    def lasts(self) -> timedelta:
        return self.offer.flight.arrives_at - self.offer.flight.departs_at


@dataclass(frozen=True)
class Results:
    """One direction's flights on a day, with the days around it."""

    search: Search
    rows: list[Row]
    following: str | None
    days: list[tuple[date, DayWithSeats | None]]
    nearest: list[DayWithSeats]


@page(anyone=True)
def flights_page(request):
    """Search flights; of a round trip first the way out is chosen, then the way back, each in the address."""
    at = timezone.now()
    form = FlightsForm(request.GET if "origin" in request.GET else None, at=at)
    context = {"section": "sell", **(found(request, form, at) if form.is_valid() else {})}
    return pages.show(request, "flights/flight_search.html", context, form=form)


def found(request, form: FlightsForm, at: datetime) -> dict:
    search, party, homeward = form.search(), form.party, form.homeward_day
    chosen = chosen_offer(request.GET.get("out", ""), search.cabin, at) if homeward else None
    if homeward and chosen:
        search = search.reverse(homeward)
    results = results_of(search, party, at, cursor=request.GET.get("after", ""), chosen=chosen)
    return {
        "results": results,
        "party": party,
        "chosen": row_of(chosen, party) if chosen else None,
        "is_last": chosen is not None or not homeward,
        "leg": "homeward" if chosen else "departure",
    }


def chosen_offer(text: str, cabin: str, at: datetime) -> Offer | None:
    """Return the way out that the address names; one that is no flight is chosen anew."""
    try:
        return find_offer(Wish(flight_id=UUID(text), cabin=cabin), at=at) if text else None
    except ValueError:
        return None


def results_of(search: Search, party: Party, at: datetime, *, cursor: str, chosen: Offer | None) -> Results:
    """Return a page of flights; where there are none, the nearest days with some. Two or three statements."""
    day: date = search.departure_date  # type: ignore[assignment]
    offers, following = search_flights(search, at=at, limit=PAGE, cursor=cursor)
    if chosen:
        offers = [offer for offer in offers if offer.flight.departs_at > chosen.flight.arrives_at]
    around = {found.day: found for found in days_with_seats(search, day - STRIP, day + STRIP, at=at)}
    today = (at - LAST_ZONE).date()
    days = [one for n in range(-STRIP.days, STRIP.days + 1) if (one := day + timedelta(days=n)) >= today]
    nearest = [] if offers or cursor else nearest_days(search, at=at)
    rows = [row_of(offer, party, chosen) for offer in offers]
    return Results(search, rows, following, [(one, around.get(one)) for one in days], nearest)


def row_of(offer: Offer, party: Party, chosen: Offer | None = None) -> Row:
    amount = party.price(offer)
    return Row(offer, amount, seats_left(offer), amount + party.price(chosen) if chosen else None)


@require_safe
def airports_page(request):
    """Return the places that the beginning of a code, city or airport's name can mean. No statement, as a rule."""
    with pages.in_language_of(request):
        countries = Locale.parse(translation.get_language() or "en", sep="-").territories
        suggested = known_places(timezone.now()).suggest(request.GET.get("q", "")[:80])
        response = JsonResponse({"places": [place_document(place, countries) for place in suggested]})
    response["Cache-Control"] = "private, max-age=600"
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


def place_document(place: Place, countries) -> dict[str, str]:
    return {
        "value": place.label,
        "code": place.code,
        "city": place.city,
        "name": place.name,
        "country": countries.get(place.country, place.country),
    }
