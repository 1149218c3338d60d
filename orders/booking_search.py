"""Find the bookings that a caller may see by what people quote: locator, name, ticket, telephone, ids.

A text is sorted as in the back office (`orders/finding.py`), whose look-ups serve staff. An agency's have its own
bookings within them, each by an index and with a limit, so that they cost the same however much others have sold.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from bookings.contacts import searched_digits
from bookings.documents import BookingView, read_bookings
from bookings.models import Booking
from orders.disruption.finding import disrupted
from orders.finding import LAST_CHARACTER, LOCATED, NAMED, NAMES_READ, SHOWN, USED, Question, understand
from partners.callers import Caller

# Of a name, so many are read of all agencies' in the order of the index, and of the agency's so many newest bookings:
# who shares a name with more than that is found among the newest, or by the given name.
OWN_NAMES_READ, OWN_BOOKINGS_READ = 2_000, 1_000
IS_NAMED = """t.surname <> ''
    AND fold_name(t.surname) ~>=~ fold_name(%s) AND fold_name(t.surname) ~<~ (fold_name(%s) || %s)
    AND fold_name(t.given_name) ~>=~ fold_name(%s) AND fold_name(t.given_name) ~<~ (fold_name(%s) || %s)"""
OWN_NAMED = f"""(
    SELECT b.id FROM (SELECT booking_id FROM ticketing_ticket t WHERE {IS_NAMED} LIMIT {OWN_NAMES_READ}) AS named
    JOIN bookings_booking b ON b.id = named.booking_id WHERE b.agency_id = %s
)"""
NEWEST_NAMED = f"""(
    SELECT b.id FROM (
        SELECT id FROM bookings_booking WHERE agency_id = %s ORDER BY id DESC LIMIT {OWN_BOOKINGS_READ}
    ) AS b CROSS JOIN LATERAL (
        SELECT FROM ticketing_ticket t WHERE t.booking_id = b.id AND {IS_NAMED} LIMIT 1
    ) AS named
)"""
OWN_LOCATED = "(SELECT id FROM bookings_booking WHERE locator = %s AND agency_id = %s)"
OWN_USED = f"""(
    SELECT id FROM (
        SELECT id, agency_id FROM bookings_booking WHERE user_id = %s ORDER BY id DESC LIMIT {OWN_NAMES_READ}
    ) AS used WHERE agency_id = %s ORDER BY id DESC LIMIT {SHOWN}
)"""
CALLED = f"""(
    SELECT id FROM bookings_booking WHERE contact_phone = %s AND contact_phone <> '' ORDER BY id DESC LIMIT {SHOWN}
)"""
OWN_CALLED = f"""(
    SELECT id FROM bookings_booking WHERE contact_phone = %s AND contact_phone <> '' AND agency_id = %s
    ORDER BY id DESC LIMIT {SHOWN}
)"""
# Those who are on a flight, and those whom its disruption has touched, who may be on another one by now. Without a day
# these are a designator's first flights from yesterday on; what is sold on so many is as much as is read.
ON_FLIGHTS = f"""(
    WITH flown AS MATERIALIZED (
        SELECT id FROM flights_flight
        WHERE carrier_id = %s AND flight_number = %s AND operational_suffix = %s AND departure_date BETWEEN %s AND %s
        ORDER BY departure_date LIMIT {SHOWN}
    ), aboard AS MATERIALIZED (
        SELECT t.booking_id FROM flown JOIN ticketing_coupon k ON k.flight_id = flown.id
        JOIN ticketing_ticket t ON t.id = k.ticket_id WHERE k.status IN ('O', 'C', 'L', 'F')
        UNION
        SELECT d.booking_id FROM flown JOIN orders_disruption x ON x.flight_id = flown.id
        JOIN orders_disruptedbooking d ON d.disruption_id = x.id
    )
    SELECT id FROM bookings_booking WHERE id = ANY(ARRAY(SELECT booking_id FROM aboard))
        AND (agency_id = %s OR %s) ORDER BY id DESC LIMIT {NAMES_READ}
)"""
WITH_ID = f"""(
    SELECT id FROM bookings_booking WHERE id = %s UNION ALL
    (SELECT id FROM bookings_booking WHERE order_id = %s LIMIT {SHOWN}) UNION ALL
    SELECT booking_id FROM ticketing_ticket WHERE id = %s
)"""
WITH_DOCUMENT = """(
    SELECT booking_id FROM ticketing_ticket WHERE number = %s UNION ALL
    SELECT t.booking_id FROM ticketing_emd e JOIN ticketing_ticket t ON t.id = e.ticket_id WHERE e.number = %s
)"""
Look = tuple[str, list[Any]]


def search_bookings(text: str, *, caller: Caller, at: datetime) -> tuple[list[BookingView], bool]:
    """Return the bookings that a text means, newest first, and whether there are more than SHOWN. Three statements."""
    found = visible(looks_for(text, caller, at), caller)
    return (read_bookings(found[:SHOWN]) if found else []), len(found) > SHOWN


def looks_for(text: str, caller: Caller, at: datetime) -> list[Look]:
    """Return the look-ups of what a text can be."""
    question = understand(text)
    looks: list[Look] = []
    if question.id:
        looks.append((WITH_ID, [question.id] * 3))
    if question.document:
        looks.append((WITH_DOCUMENT, [question.document] * 2))
    if question.designator:
        days = (question.day, question.day) if question.day else (at.date() - timedelta(days=1), date.max)
        looks.append((ON_FLIGHTS, [*question.designator, *days, caller.agency_id, caller.is_staff]))
    if phone := searched_digits(text):
        looks.append((OWN_CALLED, [phone, caller.agency_id]) if caller.agency_id else (CALLED, [phone]))
    return looks + (own_looks(question, caller.agency_id) if caller.agency_id else all_looks(question))


def all_looks(question: Question) -> list[Look]:
    looks: list[Look] = [(NAMED, named(*names)) for names in question.names]
    if question.locator:
        looks.append((LOCATED, [question.locator]))
    if question.user:
        looks.append((USED, [question.user]))
    return looks


def own_looks(question: Question, agency_id: UUID) -> list[Look]:
    looks: list[Look] = []
    for names in question.names:
        looks += [(OWN_NAMED, [*named(*names), agency_id]), (NEWEST_NAMED, [agency_id, *named(*names)])]
    if question.locator:
        looks.append((OWN_LOCATED, [question.locator, agency_id]))
    if question.user:
        looks.append((OWN_USED, [question.user, agency_id]))
    return looks


def named(surname: str, given_name: str) -> list[str]:
    return [surname, surname, LAST_CHARACTER, given_name, given_name, LAST_CHARACTER]


def visible(looks: Sequence[Look], caller: Caller) -> list[UUID]:
    """Return the ids of what is found and the caller may see, newest first, one more than is shown. One statement."""
    if not looks:
        return []
    parts = " UNION ".join(sql for sql, _ in looks)
    values = [value for _, own in looks for value in own]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({parts}) AS found (id) ORDER BY id DESC LIMIT {NAMES_READ}", values)
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids or caller.is_staff:
        return ids[: SHOWN + 1]
    own = Booking.objects.visible_to(caller).filter(pk__in=ids).order_by("-pk").values_list("pk", flat=True)
    return list(own[: SHOWN + 1])


def newest_bookings(query: dict, *, caller: Caller, at: datetime) -> tuple[list[BookingView], str | None]:
    """Return a page of the caller's bookings, newest first, and the cursor of the next one. Two statements.

    `query` has `limit`, and may have `cursor`, what `Booking.objects.matching` takes, and `disruption` (CONCERNS).
    """
    bookings = Booking.objects.matching(query, at).visible_to(caller)
    if concern := query.get("disruption"):
        bookings = disrupted(bookings, concern, at)
    ids, following = bookings.page(query)
    return (read_bookings(ids) if ids else []), following
