"""A flight's seat map, and a passenger's seat, as their readers see them. Nobody's name is in them."""

from collections.abc import Mapping
from typing import Any

from flights.seating import seat_price
from flights.seatmaps import CHARACTERISTICS, CabinMap, Seat
from ticketing.models import Coupon
from ticketing.seats import FlightSeats, SeatPrice

FREE, TAKEN, BLOCKED = "free", "taken", "blocked"


def seat_map_document(seats: FlightSeats, prices: Mapping[str, SeatPrice]) -> dict[str, Any]:
    """Return the seats of a flight, cabin by cabin from front to back; what holds have that ran out is free."""
    flight = seats.flight
    taken = {occupant.seat for occupant in seats.occupants if not occupant.has_run_out}
    used = {code for cabin in seats.seat_map.cabins for seat in cabin.seats for code in seat.characteristics}
    return {
        "event_id": flight.pk,
        "flightId": flight.designator,
        "departureDate": flight.departure_date,
        "aircraft_type": flight.aircraft_type,
        "layout": seats.seat_map.layout,
        "cabins": [cabin_map_document(cabin, taken, prices) for cabin in seats.seat_map.cabins],
        "characteristics": [
            {"code": code, "name": name} for code, name in CHARACTERISTICS.items() if code in used
        ],
    }  # fmt: skip


def cabin_map_document(cabin: CabinMap, taken: set[str], prices: Mapping[str, SeatPrice]) -> dict[str, Any]:
    return {
        "cabin": cabin.cabin,
        "letters": cabin.letters,
        "capacity": cabin.capacity,
        "free": sum(not seat.is_blocked and seat.number not in taken for seat in cabin.seats),
        "rows": [
            {
                "row": row.number,
                "is_exit": any(seat.is_exit for seat in row.seats),
                "seats": [seat_document(seat, cabin.cabin, taken, prices) for seat in row.seats],
            }
            for row in cabin.rows
        ],
    }


def seat_document(seat: Seat, cabin: str, taken: set[str], prices: Mapping[str, SeatPrice]) -> dict[str, Any]:
    product_id = seat_price(seat, cabin)
    price = prices.get(product_id) if product_id else None
    return {
        "number": seat.number,
        "letter": seat.letter,
        "status": BLOCKED if seat.is_blocked else TAKEN if seat.number in taken else FREE,
        "is_exit": seat.is_exit,
        "characteristics": sorted(seat.characteristics),
        "product_id": product_id if price else None,
        "price": price.amount if price else None,
        "currency": price.currency if price else None,
    }


def passenger_seat_document(coupon: Coupon) -> dict[str, Any]:
    """Return a passenger's seat; the coupon comes with its ticket."""
    return {
        "booking_id": coupon.ticket.booking_id,
        "ticket_id": coupon.ticket_id,
        "coupon_id": coupon.pk,
        "event_id": coupon.flight_id,
        "cabin": coupon.cabin,
        "status": coupon.status,
        "seat": coupon.seat,
    }
