"""Who travels: passengers, named or not yet, and the rules of one booking's party."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bookings.exceptions import PartyTooLarge, TooManyInfants
from ticketing.models import PassengerType, takes_seat

MAX_SEATS = 9


@dataclass(frozen=True)
class Passenger:
    passenger_type: str = PassengerType.ADULT
    surname: str = ""
    given_name: str = ""
    title: str = ""
    birth_date: date | None = None


def unnamed(seats: int) -> list[Passenger]:
    return [Passenger()] * seats


def seats_of(party: Sequence[Passenger]) -> int:
    return sum(takes_seat(passenger.passenger_type) for passenger in party)


def check_party(party: Sequence[Passenger]) -> None:
    """Refuse a party that one booking cannot hold. Raises PartyTooLarge or TooManyInfants."""
    if not 1 <= seats_of(party) <= MAX_SEATS:
        raise PartyTooLarge
    adults = sum(passenger.passenger_type == PassengerType.ADULT for passenger in party)
    if len(party) - seats_of(party) > adults:
        raise TooManyInfants
