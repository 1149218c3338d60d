"""From a call's input to a sale: whose the booking will be, and who travels where."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bookings.contacts import NO_CONTACT, Contact
from bookings.holds import Sale
from bookings.parties import Passenger, unnamed
from flights.offers import Wish
from partners.callers import Caller
from partners.models import Agency
from skybridge.exceptions import Forbidden


def owner(
    caller: Caller, *, agency: str = "", user_id: str = "", field: str = "user_id"
) -> tuple[UUID | None, str | None, str]:
    """Return agency id, agency name and user id of what a caller books.

    An agency names its own customers freely and no other agency, a traveller only itself, staff anybody. Raises
    Forbidden; `field` is what the call names the user by.
    """
    if caller.is_staff:
        found = Agency.objects.filter(name=agency).first() if agency else None
        if agency and found is None:
            raise refused("agency", "There is no agency of this name.")
        return (found.pk, found.name, user_id) if found else (None, None, user_id)
    if agency and agency != caller.agency_name:
        raise refused("agency", "The credentials belong to another agency; leave the field out, or name your own.")
    if caller.agency_id:
        return caller.agency_id, caller.agency_name, user_id
    if user_id and user_id != caller.user_id:
        raise refused(field, "A traveller books and orders for itself: name yourself, or leave the field out.")
    return None, None, caller.user_id


def refused(field: str, message: str) -> Forbidden:
    return Forbidden(errors=[{"pointer": f"/{field}", "code": "not_yours", "message": message}])


def wish_of(data: dict[str, Any]) -> Wish:
    """Return the flight that input names by `event_id`, or by `flightId` and `departureDate`."""
    return Wish(
        flight_id=data.get("event_id"),
        designator=data.get("flightId", ""),
        departure_date=data.get("departureDate"),
        origin=data.get("origin", "").upper(),
        cabin=data["cabin"],
    )


def party_of(data: dict[str, Any], seats: int | None = None) -> list[Passenger]:
    passengers = data.get("passengers")
    if passengers:
        return [Passenger(**passenger) for passenger in passengers]
    return unnamed(seats or data.get("seats") or 1)


def sale_of(
    caller: Caller, wishes: Sequence[Wish], party: Sequence[Passenger], *, contact: Contact = NO_CONTACT, **named: str
) -> Sale:
    agency_id, agency_name, user_id = owner(caller, **named)
    return Sale(wishes, party, agency_id, agency_name, user_id, contact=contact)
