"""The page of one flight, for anybody."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from flights.models import Flight
from flights.offers import FlightFacts, Offer, flight_offers
from orders.models import Disruption
from partners.pages import page
from skybridge import pages


@page(anyone=True)
def flight_page(request, flight_id):
    """Show a flight: when and where from, how it stands, and its cabins with price and seats left."""
    at = timezone.now()
    offers = flight_offers(flight_id, at=at)
    flight, departure = offers[0].flight, departure_of(flight_id)
    context = {
        "section": "sell",
        "flight": flight,
        "lasts": flight.arrives_at - flight.departs_at,
        "was_departing": planned_departure(flight, departure["disrupted"]),
        "reason": departure["reason"],
        "gate": departure["departure__gate"] or "",
        "registration": departure["registration"],
        "boards": (flight.departs_at - settings.BOARDING_CALL).astimezone(flight.departs_locally_at.tzinfo),
        "cabins": [
            (offer, offer.is_open(at) and offer.available > 0, sell_address(offer), offer.free_hours(at))
            for offer in offers
        ],
        "is_open": any(offer.is_open(at) for offer in offers),
    }
    return pages.show(request, "flights/flight_page.html", context)


def departure_of(flight_id: UUID) -> dict[str, Any]:
    """Return a flight's gate and aircraft, and what has disrupted it last. Two statements."""
    columns = ("registration", "departure__gate")
    found = Flight.objects.filter(pk=flight_id).values(*columns).get()
    disruption = Disruption.objects.filter(flight=flight_id).order_by("-pk").first()
    return {**found, "disrupted": disruption, "reason": disruption.reason if disruption else ""}


def planned_departure(flight: FlightFacts, disruption: Disruption | None) -> datetime | None:
    """Return when a delayed flight was to leave before, local to its airport."""
    before = (disruption.before or {}).get("departs_at") if disruption else None
    if not before or flight.status != Flight.Status.DELAYED:
        return None
    return datetime.fromisoformat(before).astimezone(flight.departs_locally_at.tzinfo)


def sell_address(offer: Offer) -> str:
    """Return where a seat of a cabin is sold, "" while there is no such page."""
    try:
        query = {"out": offer.flight.id, "cabin": offer.cabin, "adults": 1, "children": 0, "infants": 0}
        return f"{reverse('sell')}?{urlencode(query)}"
    except NoReverseMatch:
        return ""
