"""Travellers who show a booking to be theirs: by its locator or a ticket number, and a passenger's surname.

Whatever does not fit is one and the same refusal after one and the same statement, so that nobody learns which
locators there are. Attempts are counted by address and by what is asked for, whatever comes of them.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from bookings.exceptions import NoSuchBooking
from partners import buckets
from ticketing.bcbp.values import TRANSLITERATION

PLAN_BY_ADDRESS: buckets.Plan = ("guests by address", 0.2, 20, None, "day")
PLAN_BY_REFERENCE: buckets.Plan = ("guests by reference", 1 / 60, 5, None, "day")
SHOWN_FOR = timedelta(days=30)  # after the last flight, or the end of the booking
# Always one row with a name at most per passenger; a locator and a ticket number are asked for together, so that each
# costs the same.
CANDIDATES = """
SELECT b.id, t.surname, greatest(
    CASE WHEN b.status IN ('pending', 'confirmed') THEN max(f.arrives_at) END, b.updated_at) > %(since)s
FROM bookings_booking b
JOIN ticketing_ticket t ON t.booking_id = b.id AND NOT t.is_superseded
LEFT JOIN ticketing_coupon k ON k.ticket_id = t.id AND NOT k.is_superseded
LEFT JOIN flights_flight f ON f.id = k.flight_id
WHERE b.locator = %(reference)s
    OR b.id = (SELECT n.booking_id FROM ticketing_ticket n WHERE n.number = %(reference)s AND NOT n.is_superseded)
GROUP BY b.id, t.id
"""


def find_booking(reference: str, surname: str, *, address: str | None, at: datetime) -> UUID:
    """Return the booking of a locator or ticket number that has a passenger of this surname. One statement.

    Raises NoSuchBooking whatever does not fit, RateExceeded after too many attempts.
    """
    reference = plain(reference)
    count_attempt(reference, address)
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, {"reference": reference, "since": at - SHOWN_FOR})
        candidates = cursor.fetchall()
    wanted = spellings(surname)
    found = [pk for pk, name, is_shown in candidates if wanted & spellings(name) and is_shown]
    if not found:
        raise NoSuchBooking
    return found[0]


def count_attempt(reference: str, address: str | None) -> None:
    """Count an attempt, by the address and by what is asked for. Raises RateExceeded.

    An address that has used its attempts up takes nobody else's away.
    """
    names = {f"guest:address:{address}": PLAN_BY_ADDRESS, f"guest:reference:{reference}": PLAN_BY_REFERENCE}
    for name, plan in names.items():
        buckets.require(name, plan)


def plain(reference: str) -> str:
    """Return a locator or ticket number in capitals, without what people put between."""
    return re.sub(r"[^0-9A-Z]", "", reference.upper())[:13]


def spellings(name: str) -> set[str]:
    """Return a surname as it may be written: without accents, blanks and hyphens, and as passports spell it."""
    composed = unicodedata.normalize("NFC", name)
    return {letters(composed), letters(composed.upper().translate(TRANSLITERATION))} - {""}


def letters(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())
