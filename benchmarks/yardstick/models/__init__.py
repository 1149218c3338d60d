"""SkyBridge's tables, with the columns that the yardstick needs. Nothing is loaded lazily."""

from .base import Base, new_id, now
from .bookings import Booking, Coupon, Ticket
from .callers import Account, Agency, ApiKey, LedgerEntry
from .events import Event
from .flights import Airport, Carrier, Fare, Flight, FlightCabin, SeatHold

__all__ = [
    "Account",
    "Agency",
    "Airport",
    "ApiKey",
    "Base",
    "Booking",
    "Carrier",
    "Coupon",
    "Event",
    "Fare",
    "Flight",
    "FlightCabin",
    "LedgerEntry",
    "SeatHold",
    "Ticket",
    "new_id",
    "now",
]
