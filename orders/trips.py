"""Somebody's flights with the bookings on each, as founding document 003 shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from bookings.documents import BookingView, group_by_event, read_bookings
from bookings.models import Booking
from flights.offers import FlightFacts
from partners.callers import Caller

PAGE = 20


class Event(NamedTuple):
    """One flight with the bookings on it, each with its view; None where no flight is set yet."""

    flight: FlightFacts | None
    bookings: list[tuple[dict[str, Any], BookingView]]


def trips_of(user_id: str, *, caller: Caller, at: datetime, cursor: str = "") -> tuple[list[Event], str | None]:
    """Return a page of a user's bookings by flight, and the cursor of the next page. Two statements.

    Without a user the caller's own: an agency's bookings, a traveller's; staff have none.
    """
    if caller.is_staff and not user_id:
        return [], None
    bookings = Booking.objects.visible_to(caller)
    query = {"limit": PAGE, **({"cursor": cursor} if cursor else {})}
    ids, following = (bookings.filter(user_id=user_id) if user_id else bookings).page(query)
    return by_event(ids, at), following


def by_event(ids: Sequence[UUID], at: datetime) -> list[Event]:
    """Return bookings by flight, first departure first. One statement, or none."""
    views = read_bookings(ids) if ids else []
    by_id = {view.booking.id: view for view in views}
    flights = {pk: flight for view in views for pk, flight in view.flights.items()}
    return [
        Event(
            flights.get(event["event_id"]),
            [(booking, by_id[booking["booking_id"]]) for booking in event["bookings"]],
        )
        for event in group_by_event(views, at)
    ]
