"""Who travels: passengers, named or not yet, and the rules of one booking's party."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bookings.exceptions import NoAdult, PartyTooLarge, TooManyInfants, WrongAge
from ticketing.documents import TicketFacts
from ticketing.models import PassengerType, takes_seat

MAX_SEATS = 9
TITLES = frozenset(("MR", "MRS", "MS", "MISS", "MX", "MSTR", "DR", "PROF"))
# From this age on, and below that one.
AGES = {
    PassengerType.ADULT: (12, 130),
    PassengerType.CHILD: (2, 12),
    PassengerType.INFANT: (0, 2),
    PassengerType.INFANT_WITH_SEAT: (0, 2),
}


@dataclass(frozen=True)
class Passenger:
    passenger_type: str = PassengerType.ADULT
    surname: str = ""
    given_name: str = ""
    title: str = ""
    birth_date: date | None = None
    seat: str = ""

    def is_called(self, surname: str, given_name: str) -> bool:
        return (self.surname.casefold(), self.given_name.casefold()) == (surname.casefold(), given_name.casefold())


def passenger_called(name: str) -> Passenger:
    """Return the adult of a name in one line.

    Such as `Ada Lovelace`, `MS ADA LOVELACE`, `LOVELACE/ADA MS`, `Lovelace, Ada` or, a surname alone, `Lovelace`.
    """
    surname, slash, given_name = name.replace(",", "/").partition("/")
    if not slash:
        first, *others = name.split()
        title = first.rstrip(".") if others and first.rstrip(".").upper() in TITLES else ""
        *given, surname = others if title else [first, *others]
        return Passenger(surname=surname, given_name=" ".join(given), title=title)
    *given, last = given_name.split() or [""]
    title = last if given and last.upper() in TITLES else ""
    given = given if title else [*given, last]
    return Passenger(surname=" ".join(surname.split()), given_name=" ".join(given), title=title)


def is_name(text: str) -> bool:
    """Tell whether a text has what a name in a passport has: letters of any script, and what stands between them."""
    return all(c in " -'’.‐" or unicodedata.category(c)[0] in "LM" for c in text)


def unnamed(seats: int) -> list[Passenger]:
    return [Passenger()] * seats


def seats_of(party: Sequence[Passenger]) -> int:
    return sum(takes_seat(passenger.passenger_type) for passenger in party)


def check_party(party: Sequence[Passenger]) -> None:
    """Refuse a party that one booking cannot hold. Raises NoAdult, PartyTooLarge or TooManyInfants."""
    adults = sum(passenger.passenger_type == PassengerType.ADULT for passenger in party)
    if not adults:
        raise NoAdult
    if seats_of(party) > MAX_SEATS:
        raise PartyTooLarge
    if len(party) - seats_of(party) > adults:
        raise TooManyInfants


def check_ages(party: Sequence[Passenger], days: Sequence[date]) -> None:
    """Refuse a birth date that does not fit the passenger's type on the local days of travel. Raises WrongAge.

    The age on the first day decides; a lap infant that turns two on the way needs a seat.
    """
    first, last = min(days), max(days)
    for place, passenger in enumerate(party):
        if passenger.birth_date and not fits(passenger.passenger_type, passenger.birth_date, first, last):
            pointer = f"/passengers/{place}/birth_date"
            raise WrongAge(errors=[{"pointer": pointer, "code": WrongAge.code, "message": WrongAge.message}])


def fits(passenger_type: str, birth_date: date, first: date, last: date) -> bool:
    least, below = AGES[PassengerType(passenger_type)]
    counts_on = last if passenger_type == PassengerType.INFANT else first
    return least <= age_on(first, birth_date) and age_on(counts_on, birth_date) < below


def age_on(day: date, birth_date: date) -> int:
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def who_leaves(tickets: Iterable[TicketFacts], fewer: int) -> list[TicketFacts]:
    """Return whose seats are given up first: unnamed passengers, of the others the last ones."""
    seated = [ticket for ticket in tickets if takes_seat(ticket.passenger_type)]
    return sorted(seated, key=lambda t: (bool(t.surname or t.given_name), -t.position))[:fewer]
