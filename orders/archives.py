"""A flight in the archive: one object with all there is of its departure, how it is stored, read and put back.

The object is gzip of JSON, `{"format", "document": {name: [row, ...]}}` with whole rows as PostgreSQL writes them. Its
key names the local day, the designator, the origin, the flight's id and the beginning of the content's SHA-256: stored
again it has the same name, changed meanwhile another.
"""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model

from bookings.models import Booking
from flights.models import BlockedSeat, Flight, FlightCabin
from orders.objects import ARCHIVE
from orders.restoring import default_of
from skybridge.events import Actor, Happening, record
from skybridge.models import Event
from skybridge.storage import AlreadyStored, NotStored, Tampered, digest, store
from ticketing.models import Bag, BoardingPass, Coupon, Departure, Scan, Ticket

FORMAT, SUFFIX = 1, ".json.gz"
DIGITS = 16  # of the content's SHA-256 in its key
THREADS = 8

# --- Which rows: of a flight `f` that left before the day that is asked for ---

HAS_LEFT = "{f}.status IN ('departed', 'cancelled') AND {f}.departs_at < %(before)s::timestamptz"
# Held and never sold, on such flights alone, and nothing else refers to it.
NEVER_SOLD = f"""
b.status = 'canceled' AND b.order_id IS NULL
    AND NOT EXISTS (
        SELECT FROM ticketing_ticket t
        LEFT JOIN ticketing_coupon k ON k.ticket_id = t.id LEFT JOIN flights_flight g ON g.id = k.flight_id
        WHERE t.booking_id = b.id AND (
            t.number IS NOT NULL OR NOT ({HAS_LEFT.format(f="g")})
            OR EXISTS (SELECT FROM ticketing_boardingpass x WHERE x.coupon_id = k.id)
            OR EXISTS (SELECT FROM ticketing_scan x WHERE x.coupon_id = k.id)
            OR EXISTS (SELECT FROM ticketing_bag x WHERE x.coupon_id = k.id)
            OR EXISTS (SELECT FROM ticketing_emd x WHERE x.ticket_id = t.id)
            OR EXISTS (SELECT FROM ticketing_traveldocument x WHERE x.ticket_id = t.id)))
    AND NOT EXISTS (SELECT FROM orders_orderitem x WHERE x.booking_id = b.id)
    AND NOT EXISTS (SELECT FROM bookings_quote x WHERE x.booking_id = b.id)
    AND NOT EXISTS (SELECT FROM orders_disruptedbooking x WHERE x.booking_id = b.id)
"""
NEVER_SOLD_ON = f"""
SELECT b.id FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
JOIN bookings_booking b ON b.id = t.booking_id WHERE k.flight_id = {{flight}} AND {NEVER_SOLD}
"""
BAGS_ON = """
SELECT g.id FROM ticketing_bag g JOIN ticketing_coupon k ON k.id = g.coupon_id
WHERE k.flight_id = {flight} AND g.status <> 'checked'
"""

# --- What an object holds, in the order in which it can be put back ---


class Part(NamedTuple):
    """One table of an object: its name there, its model, and which of its rows (`t`)."""

    name: str
    model: type[Model]
    which: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def rows(self) -> str:
        """The SQL of its rows as a JSON array in the order of its key."""
        key = ", ".join(f"t.{field.column}" for field in self.model._meta.pk_fields)
        return (
            f"(SELECT COALESCE(jsonb_agg(to_jsonb(t) ORDER BY {key}), '[]') FROM {self.table} t WHERE t.{self.which})"
        )

    @property
    def defaults(self) -> str:
        """What columns have that are younger than an object, as JSON."""
        fields = [field for field in self.model._meta.concrete_fields if not field.primary_key]
        return json.dumps({field.column: default_of(field) for field in fields}, cls=DjangoJSONEncoder)


PARTS = [
    Part("flights", Flight, "id = f.id"),
    Part("cabins", FlightCabin, "flight_id = f.id"),
    Part("departures", Departure, "flight_id = f.id"),
    Part("blocked_seats", BlockedSeat, "flight_id = f.id"),
    Part("bookings", Booking, "id IN (SELECT booking_id FROM ticketing_ticket WHERE id = ANY(its.tickets))"),
    Part("tickets", Ticket, "id = ANY(its.tickets)"),
    Part("coupons", Coupon, "id = ANY(its.coupons)"),
    Part("boarding_passes", BoardingPass, "flight_id = f.id"),
    Part("scans", Scan, "flight_id = f.id"),
    Part("bags", Bag, f"id IN ({BAGS_ON.format(flight='f.id')})"),
    Part(
        "events",
        Event,
        f"""subject_id IN (SELECT f.id UNION ALL SELECT unnest(never_sold.ids) UNION ALL SELECT unnest(its.coupons)
            UNION ALL {BAGS_ON.format(flight="f.id")})""",
    ),
]


@cache
def documents_sql() -> str:
    rows = ", ".join(f"'{part.name}', {part.rows}" for part in PARTS)
    return f"""
    SELECT f.id, f.carrier_id || f.flight_number || f.operational_suffix, f.departure_date, f.origin_id, (
        SELECT jsonb_build_object({rows})::text
    )
    FROM flights_flight f
    CROSS JOIN LATERAL (SELECT ARRAY({NEVER_SOLD_ON.format(flight="f.id")}) AS ids) AS never_sold
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT k.id) AS coupons, array_agg(DISTINCT k.ticket_id) AS tickets
        FROM (
            SELECT id, ticket_id FROM ticketing_coupon WHERE flight_id = f.id
            UNION ALL
            SELECT k.id, t.id FROM ticketing_ticket t LEFT JOIN ticketing_coupon k ON k.ticket_id = t.id
            WHERE t.booking_id = ANY(never_sold.ids)
        ) k
    ) AS its
    WHERE f.id = ANY(%(ids)s::uuid[]) ORDER BY f.id
    """


class Packed(NamedTuple):
    """A flight's object: `content` is JSON, which the object holds compressed."""

    flight_id: UUID
    key: str
    content: bytes

    @property
    def body(self) -> bytes:
        return gzip.compress(self.content, mtime=0)  # the same for the same content


# --- Into the store ---


def pack(ids: Sequence[UUID], before: datetime) -> list[Packed]:
    """Return the objects of flights as they are now. One statement."""
    rows = execute(documents_sql(), {"ids": list(ids), "before": before})
    return [packed(*row) for row in rows]


def packed(flight_id: UUID, designator: str, day: date, origin: str, document: str) -> Packed:
    content = f'{{"format":{FORMAT},"document":{document}}}'.encode()
    key = f"{ARCHIVE}{day}/{designator}_{origin}_{flight_id}_{digest(content)[:DIGITS]}{SUFFIX}"
    return Packed(flight_id, key, content)


def keep(objects: Sequence[Packed]) -> None:
    """Store objects, several at once, and read each back. Raises StorageUnavailable, NotStored or Tampered."""
    with ThreadPoolExecutor(THREADS, "archive") as pool:
        list(pool.map(keep_one, objects))


def keep_one(one: Packed) -> None:
    body = one.body
    with suppress(AlreadyStored):  # the same content, compressed by another release of zlib
        store().put(one.key, body, sha256=digest(body))
    if read(one.key) != one.content:
        raise Tampered("the store does not show what it was given", one.key)


# --- Back from the store ---


def keys_of(day: date | None = None, designator: str = "") -> Iterator[str]:
    """Yield the keys of all, of a local day, or of one designator on it, in order. Raises StorageUnavailable."""
    folder = f"{ARCHIVE}{day}/" if day else ARCHIVE
    return store().list(f"{folder}{designator}_" if designator else folder)


def read(key: str) -> bytes:
    """Return an object's JSON. Raises NotStored, Tampered or StorageUnavailable."""
    return gzip.decompress(store().get(key, sha256=None))


def is_sound(key: str) -> bool:
    """Tell whether an object is what was stored. Raises StorageUnavailable."""
    try:
        content = read(key)
    except (NotStored, Tampered, EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return key.endswith(f"_{digest(content)[:DIGITS]}{SUFFIX}")


def put_back(keys: Sequence[str], *, actor: Actor, at: datetime) -> Counter[str]:
    """Put back what objects hold and the database has not, in one transaction; return how many rows of which table.

    Raises IntegrityError where a row refers to another flight that is in the archive: put both back at once.
    """
    contents = {key: read(key).decode() for key in keys}
    restored: Counter[str] = Counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for part in PARTS:
            for content in contents.values() if part.model is not Event else ():  # events stay where they are
                cursor.execute(put_back_sql(part), {"content": content, "defaults": part.defaults})
                restored[part.table] += cursor.rowcount
        happenings = [Happening("flight.put_back", flight_in(key), after={"key": key}) for key in keys]
        record(happenings, actor=actor, at=at)
    return restored


def flight_in(key: str) -> UUID:
    return UUID(key.rsplit("_", 2)[1])


def put_back_sql(part: Part) -> str:
    return f"""
    INSERT INTO {part.table}
    SELECT r.* FROM jsonb_array_elements(%(content)s::jsonb -> 'document' -> '{part.name}') AS e,
        jsonb_populate_record(NULL::{part.table}, %(defaults)s::jsonb || e.value) AS r
    ON CONFLICT DO NOTHING
    """


def execute(sql: str, parameters: dict | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
