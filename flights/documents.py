"""A flight as its readers see it: the founding document's names, and ours beside them."""

from decimal import Decimal
from typing import Any

from flights.fares import FareRules
from flights.offers import FlightFacts, Offer


def flight_document(flight: FlightFacts) -> dict[str, Any]:
    return {
        "event_id": flight.id,
        "flightId": flight.designator,
        "carrier": flight.carrier,
        "flight_number": flight.flight_number,
        "departureDate": flight.departure_date,
        "departureCity": flight.departure_city,
        "destinationCity": flight.destination_city,
        "origin": flight.origin,
        "destination": flight.destination,
        "departureTime": flight.departs_locally_at.isoformat(),
        "arrivalTime": flight.arrives_locally_at.isoformat(),
        "duration_minutes": int((flight.arrives_at - flight.departs_at).total_seconds()) // 60,
        "aircraft_type": flight.aircraft_type,
        "status": flight.status,
    }


def offer_document(offer: Offer) -> dict[str, Any]:
    return flight_document(offer.flight) | {
        "cabin": offer.cabin,
        "seatAvailability": offer.available,
        "price": offer.total_amount,
        "currency": offer.currency,
        "fare_basis": offer.fare_basis,
    }


def cabin_document(offer: Offer) -> dict[str, Any]:
    """Return one cabin of a flight with its price lines and fare rules."""
    return {
        "cabin": offer.cabin,
        "capacity": offer.capacity,
        "available": offer.available,
        "on_sale": offer.on_sale,
        "fare_basis": offer.fare_basis,
        "fare_amount": offer.base_amount,
        "taxes": [{**tax, "amount": Decimal(tax["amount"])} for tax in offer.taxes],
        "price": offer.total_amount,
        "currency": offer.currency,
        "fare_rules": rules_document(offer.fare_rules),
    }


def rules_document(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the rules of a fare or a coupon."""
    return FareRules.of(snapshot)._asdict()
