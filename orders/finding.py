"""Find anything of the airline by what people quote: one text, sorted into what it can be, and only those looked up.

Every look-up is by an index and has a limit, so that it costs the same however much has been sold.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q

from bookings.contacts import searched_digits
from bookings.locators import ALPHABET
from bookings.models import Booking, status_at
from flights.models import Flight
from flights.offers import match_designator
from partners.models import Agency
from ticketing.models import Coupon, Ticket

SHOWN = 20  # of a kind
NAMES_READ = 200  # of a prefix that many share; the newest of these are shown
LAST_CHARACTER = "\U0010ffff"

is_locator = re.compile(f"[{ALPHABET}]{{6}}", re.IGNORECASE).fullmatch
is_document = re.compile(r"\d{3}[ -]?\d{10}").fullmatch
is_bag_tag = re.compile(r"\d{10}").fullmatch
is_day = re.compile(r"\d{4}-\d\d-\d\d").fullmatch
ends_in_id = re.compile(r"arn:.*:([0-9a-f-]{36})", re.IGNORECASE).fullmatch
is_name = re.compile(r"[^\W\d_][^\d_@:]*").fullmatch

# What a UUID can name: the list that shows it, and its table.
BY_ID = {
    "bookings.booking": "bookings_booking WHERE id",
    "orders.order": "orders_order WHERE id",
    "ticketing.ticket": "ticketing_ticket WHERE id",
    "ticketing.coupon": "ticketing_coupon WHERE id",
    "ticketing.emd": "ticketing_emd WHERE id",
    "ticketing.boardingpass": "ticketing_boardingpass WHERE id",
    "ticketing.bag": "ticketing_bag WHERE id",
    "flights.flight": "flights_flight WHERE id",
    "partners.payment": "partners_payment WHERE id",
    "partners.refund": "partners_refund WHERE id",
    "partners.agency": "partners_agency WHERE id",
    "partners.apikey": "partners_apikey WHERE id",
    "bookings.quote": "bookings_quote WHERE id",
    "orders.orderquote": "orders_orderquote WHERE id",
}
NOUNS = {
    "ticketing.emd": "EMD",
    "ticketing.boardingpass": "boarding pass",
    "partners.apikey": "API key",
    "orders.orderquote": "order quote",
}
DOCUMENTS = {
    "ticketing.ticket": "ticketing_ticket WHERE number",
    "ticketing.emd": "ticketing_emd WHERE number",
}
BAGS = {"ticketing.bag": "ticketing_bag WHERE status = 'checked' AND tag_number"}


@dataclass(frozen=True)
class Question:
    """What a text can stand for; an empty part is not looked up."""

    id: UUID | None = None
    execution_id: UUID | None = None
    document: str = ""
    bag_tag: str = ""
    locator: str = ""
    designator: tuple[str, int, str] | None = None
    day: date | None = None
    names: Sequence[tuple[str, str]] = ()  # surname, given name
    agency: str = ""
    user: str = ""
    mail: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Hit:
    """One thing that was found: the list that shows it, its key, and what it is called."""

    kind: str
    pk: UUID
    text: str = ""
    status: str = ""
    details: Sequence[str] = ()

    @property
    def noun(self) -> str:
        return NOUNS.get(self.kind) or self.kind.partition(".")[2]

    @property
    def page(self) -> str:
        """Return the name of the page that shows it."""
        return f"admin:{self.kind.replace('.', '_')}_change"


@dataclass(frozen=True)
class FoundBooking:
    """A booking with what tells it from others."""

    booking: Booking
    status: str
    passengers: Sequence[str]
    flights: Sequence[str]


@dataclass
class Found:
    """What was found, by kind. `exact` is where there is nothing else that the text can mean."""

    bookings: list[FoundBooking] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    agencies: list[Agency] = field(default_factory=list)
    others: list[Hit] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.bookings) + len(self.flights) + len(self.agencies) + len(self.others)

    @property
    def exact(self) -> Hit | None:
        """Return the one thing that was found, None where there are several or none."""
        if self.count != 1:
            return None
        if self.others:
            return self.others[0]
        if self.bookings:
            return Hit("bookings.booking", self.bookings[0].booking.pk)
        if self.flights:
            return Hit("flights.flight", self.flights[0].pk)
        return Hit("partners.agency", self.agencies[0].pk)


# --- What a text can be ---


def understand(text: str) -> Question:
    """Sort a text into what it can be: a number or an id is that alone, a word can be several things."""
    text = " ".join(text.replace("\0", " ").split())[:200]
    if match := ends_in_id(text):
        return Question(execution_id=uuid_or_none(match[1]))
    if (found := uuid_or_none(text)) is not None:
        return Question(id=found)
    if is_document(text):
        return Question(document=re.sub(r"\D", "", text))
    if is_bag_tag(text):
        return Question(bag_tag=text)
    designator, day = flight_and_day(text)
    if day:
        return Question(designator=designator, day=day)
    return Question(
        locator=text.upper() if is_locator(text) else "",
        designator=designator,
        names=names_in(text),
        agency=text if len(text) >= 2 and is_name(text) else "",
        user=text,
        mail=text if "@" in text else "",
        phone=searched_digits(text) if text.startswith("+") else "",
    )


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def flight_and_day(text: str) -> tuple[tuple[str, int, str] | None, date | None]:
    """Read a flight, a day, or both in either order: UA1161, 2026-12-01, UA 1161 2026-12-01."""
    words = re.split(r"[ /]", text)
    days = [day for word in words if (day := day_or_none(word))]
    rest = "".join(word for word in words if not day_or_none(word))
    match = match_designator(rest.upper())
    designator = (match[1], int(match[2]), match[3]) if match else None
    fits = len(days) == 1 and (designator or not rest)
    return designator, days[0] if fits else None


def day_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if is_day(text) else None
    except ValueError:
        return None


def names_in(text: str) -> Sequence[tuple[str, str]]:
    """Return what a text can be as surname and given name: lovelace, lovelace/ada, ada lovelace, van der berg."""
    if len(text) < 2 or not is_name(text):
        return ()
    for mark in ("/", ","):
        if mark in text:
            surname, _, given_name = text.partition(mark)
            return [(surname.strip(), given_name.strip())]
    words = text.split()
    splits = [(" ".join(words[n:]), " ".join(words[:n])) for n in range(1, len(words))]
    turned = [(given_name, surname) for surname, given_name in splits]
    return [(text, ""), *splits, *turned][:5]


# --- Looking it up ---


def find(text: str, kinds: Collection[str], *, at: datetime) -> Found:
    """Return what a text means among kinds such as `bookings.booking`, newest first. At most six statements."""
    question, found = understand(text), Found()
    if question.execution_id and "orders.execution" in kinds:
        found.others = keyed({"orders.execution": "orders_execution WHERE order_id"}, question.execution_id)
    found.others += keyed(allowed(BY_ID, kinds), question.id) if question.id else []
    found.others += keyed(allowed(DOCUMENTS, kinds), question.document) if question.document else []
    found.others += keyed(allowed(BAGS, kinds), question.bag_tag) if question.bag_tag else []
    if "bookings.booking" in kinds:
        found.bookings = described(booking_ids(question), at)
    if "flights.flight" in kinds:
        found.flights = flights_of(question, at)
    if "partners.agency" in kinds and question.agency:
        found.agencies = agencies_of(question.agency)
    if "orders.order" in kinds and question.user:
        found.others += orders_of(question)
    return found


def allowed(tables: dict[str, str], kinds: Collection[str]) -> dict[str, str]:
    return {kind: table for kind, table in tables.items() if kind in kinds}


def keyed(tables: dict[str, str], key: UUID | str) -> list[Hit]:
    """Return what has a key, of several tables. One statement."""
    if not tables:
        return []
    column = {"orders.execution": "order_id"}
    parts = [
        f"(SELECT '{kind}', {column.get(kind, 'id')} FROM {table} = %s LIMIT {SHOWN})" for kind, table in tables.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [key] * len(parts))
        return [Hit(kind, pk, str(key)) for kind, pk in cursor.fetchall()]


NAMED = f"""(
    SELECT booking_id FROM (
        SELECT booking_id FROM ticketing_ticket
        WHERE surname <> '' AND fold_name(surname) ~>=~ fold_name(%s) AND fold_name(surname) ~<~ (fold_name(%s) || %s)
            AND fold_name(given_name) ~>=~ fold_name(%s) AND fold_name(given_name) ~<~ (fold_name(%s) || %s)
        LIMIT {NAMES_READ}
    ) AS named
)"""
LOCATED = "(SELECT id FROM bookings_booking WHERE locator = %s)"
PHONED = f"""(
    SELECT id FROM bookings_booking WHERE contact_phone = %s AND contact_phone <> '' ORDER BY id DESC LIMIT {SHOWN}
)"""
# All of an address in the order of the index; of addresses that begin so, as many as are read of a name.
WROTE = f"""(
    SELECT id FROM bookings_booking WHERE contact_email <> '' AND lower(contact_email) = lower(%s)
    ORDER BY id DESC LIMIT {SHOWN}
) UNION (
    SELECT id FROM bookings_booking WHERE contact_email <> ''
        AND lower(contact_email) ~>=~ lower(%s) AND lower(contact_email) ~<~ (lower(%s) || %s) LIMIT {NAMES_READ}
)"""
USED = f"(SELECT id FROM bookings_booking WHERE user_id = %s ORDER BY id DESC LIMIT {SHOWN})"


def booking_ids(question: Question, limit: int = SHOWN) -> list[UUID]:
    """Return the bookings that a locator, a user, a contact or a name means, newest first. One statement, or none."""
    parts, values = [], []
    if question.locator:
        parts, values = [LOCATED], [question.locator]
    if question.user:
        parts, values = [*parts, USED], [*values, question.user]
    if question.phone:
        parts, values = [*parts, PHONED], [*values, question.phone]
    if question.mail:
        parts, values = [*parts, WROTE], [*values, *[question.mail] * 3, LAST_CHARACTER]
    for surname, given_name in question.names:
        parts.append(NAMED)
        values += [surname, surname, LAST_CHARACTER, given_name, given_name, LAST_CHARACTER]
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({' UNION '.join(parts)}) AS found (id) ORDER BY id DESC LIMIT {limit}", values)
        return [pk for (pk,) in cursor.fetchall()]


FLIGHT = ("carrier", "flight_number", "operational_suffix", "departure_date", "origin", "destination")
PARTS = (
    *("booking_id", "position", "surname", "given_name", "coupons__status", "coupons__flight"),
    *(f"coupons__flight__{name}" for name in FLIGHT),
)
PARTS_ORDER = ("booking_id", "position", "coupons__sequence")


def described(ids: Sequence[UUID], at: datetime) -> list[FoundBooking]:
    """Return bookings with their passengers and flights, in the order of their ids. Two statements, or none."""
    if not ids:
        return []
    bookings = Booking.objects.select_related("agency").in_bulk(ids)
    passengers: dict[UUID, dict[int, str]] = defaultdict(dict)
    flights: dict[UUID, dict[str, bool]] = defaultdict(dict)
    for part in Ticket.objects.filter(booking__in=ids, is_superseded=False).values(*PARTS).order_by(*PARTS_ORDER):
        name = f"{part['surname']}/{part['given_name']}".strip("/") or "unnamed"
        passengers[part["booking_id"]][part["position"]] = name
        if part["coupons__status"] in Coupon.LIVE and part["coupons__flight"]:
            flights[part["booking_id"]][flight_in(part)] = True
    return [
        FoundBooking(bookings[pk], status_at(bookings[pk], at), list(passengers[pk].values()), list(flights[pk]))
        for pk in ids
        if pk in bookings
    ]


def flight_in(part: dict) -> str:
    carrier, number, suffix, *rest = (part[f"coupons__flight__{name}"] for name in FLIGHT)
    day, origin, destination = rest
    return f"{carrier}{number}{suffix} {day} {origin}-{destination}"


def flights_of(question: Question, at: datetime) -> list[Flight]:
    """Return the flights of a designator, of a day or of both; without a day those from yesterday on."""
    if not (question.designator or question.day):
        return []
    flights = Flight.objects.order_by("departure_date", "departs_at")
    if question.designator:
        carrier, number, suffix = question.designator
        flights = flights.filter(carrier=carrier, flight_number=number, operational_suffix=suffix)
    first = question.day or at.date() - timedelta(days=1)
    day = Q(departure_date=first) if question.day else Q(departure_date__gte=first)
    return list(flights.filter(day)[:SHOWN])


AGENCIES = """
SELECT id FROM partners_agency WHERE fold_name(name) ~>=~ fold_name(%s) AND fold_name(name) ~<~ (fold_name(%s) || %s)
ORDER BY name LIMIT %s
"""


def agencies_of(name: str) -> list[Agency]:
    """Return the agencies whose name begins so. There are few enough to read them all."""
    return list(Agency.objects.raw(AGENCIES, [name, name, LAST_CHARACTER, SHOWN]))


BOUGHT = """(
    SELECT id, status, 'customer ' || customer_id FROM orders_order
    WHERE deleted_at IS NULL AND customer_id = %s ORDER BY id DESC LIMIT {shown}
)"""
MAILED = """(
    SELECT id, status, contact_email FROM orders_order
    WHERE deleted_at IS NULL AND contact_email <> '' AND lower(contact_email) = lower(%s) ORDER BY id DESC LIMIT {shown}
)"""
MAILED_LIKE = """(
    SELECT id, status, contact_email FROM orders_order
    WHERE deleted_at IS NULL AND contact_email <> ''
        AND lower(contact_email) ~>=~ lower(%s) AND lower(contact_email) ~<~ (lower(%s) || %s) LIMIT {read}
)"""


def orders_of(question: Question) -> list[Hit]:
    """Return the newest orders of a customer or of an address, which are not deleted. One statement."""
    parts, values = [BOUGHT], [question.user]
    if question.mail:
        parts, values = [BOUGHT, MAILED, MAILED_LIKE], [*values, *[question.mail] * 3, LAST_CHARACTER]
    union = " UNION ".join(parts).format(shown=SHOWN, read=NAMES_READ)
    with connection.cursor() as cursor:
        found = f"SELECT DISTINCT ON (id) * FROM ({union}) AS found (id, status, whose)"
        cursor.execute(f"{found} ORDER BY id DESC LIMIT {SHOWN}", values)
        return [Hit("orders.order", pk, str(pk), status, (whose,)) for pk, status, whose in cursor.fetchall()]
