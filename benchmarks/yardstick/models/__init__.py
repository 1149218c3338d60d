"""SkyBridge's tables, with the columns that the yardstick needs. Nothing is loaded lazily."""

from .base import Base, new_id, now
from .bookings import Booking, Coupon, Ticket
from .callers import Account, Agency, ApiKey, LedgerEntry
from .events import Event
from .flights import Airport, Carrier, Departure, Fare, Flight, FlightCabin, SeatHold
from .gates import BoardingPass, Scan
from .orders import Backup, Execution, ExecutionEvent, Order, OrderItem, Product

__all__ = [
    "Account",
    "Agency",
    "Airport",
    "ApiKey",
    "Backup",
    "Base",
    "BoardingPass",
    "Booking",
    "Carrier",
    "Coupon",
    "Departure",
    "Event",
    "Execution",
    "ExecutionEvent",
    "Fare",
    "Flight",
    "FlightCabin",
    "LedgerEntry",
    "Order",
    "OrderItem",
    "Product",
    "Scan",
    "SeatHold",
    "Ticket",
    "new_id",
    "now",
]
