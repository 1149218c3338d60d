"""Restoring: orders with their bookings, tickets and ledger into an empty database, from the object store alone.

Objects are read by several threads, verified, and laid into a temporary table as they are; the rest is SQL over all of
them. One transaction: the database is empty or complete. Rows that several orders refer to (flights, agencies) are
those of the newest version that has them; what follows from others (seats, balances, sequences) is computed.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby, islice
from typing import NamedTuple

from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, connection, transaction
from django.db.models import Field, Model
from django.utils import timezone

from flights.models import Airport, Carrier
from orders.models import Backup
from orders.objects import FORMAT, RESTORES, GivenUp, Name, given_up_in, name_of
from orders.snapshots import PARTS, REFERENCES, Part
from skybridge.storage import digest, store

THREADS = 16
CHUNK = 256
MAY_BE_THERE = (Airport, Carrier)  # loaded by whoever prepares a database
SHARED = ("ledger", "events")  # a settlement's entries are in the documents of all accounts that it touches

Progress = Callable[[str, int, int], None]


class RestoreRefused(Exception):
    """Nothing was restored, and why."""


class Summary(NamedTuple):
    orders: int
    accounts: int


def restore(*, until: datetime | None = None, take_over: bool = False, progress: Progress) -> Summary:
    """Restore what the store has, as of a moment or the newest, and return how many orders and accounts that were.

    With `until`, the database is for looking, unless it takes over: then the store's later versions are given up.
    Raises RestoreRefused for a database that is not empty or objects that are not sound, NotStored, Tampered or
    StorageUnavailable; then nothing has changed.
    """
    at = timezone.now()
    names = chosen_versions(until)
    with transaction.atomic():
        take_time()
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is checked at the end has to be remembered until then
        require_empty()
        lay_down(names, progress)
        check_laid_down()
        load(progress)
        compute()
        if until is None or take_over:
            execute(BACKUPS, {"at": at})
        move_sequences()
        if until is not None and take_over:
            give_up(GivenUp(until, at))
    execute("ANALYZE")
    return Summary(*(sum(name.kind == kind for name in names) for kind in ("order", "account")))


def take_time() -> None:
    """Let the transaction last as long as it takes."""
    for name, value in {"statement_timeout": 0, "idle_in_transaction_session_timeout": 0, "work_mem": "'64MB'"}.items():
        execute(f"SET LOCAL {name} = {value}")


def execute(sql: str, parameters: dict | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def require_empty() -> None:
    tables = [part.table for part in PARTS if part.model not in MAY_BE_THERE] + [Backup._meta.db_table]
    filled = [table for table in tables if execute(f"SELECT 1 FROM {table} LIMIT 1")]
    if filled:
        raise RestoreRefused(f"The database is not empty: there are rows in {', '.join(filled)}.")


# --- Which versions ---


def chosen_versions(until: datetime | None) -> list[Name]:
    """Return the newest version of each stream, or the newest taken by a moment."""
    given_up = restores()
    counting = (
        name
        for name in names_in_store()
        if not any(g.holds(name) for g in given_up) and (until is None or name.taken_at <= until)
    )
    return [list(versions)[-1] for _, versions in groupby(counting, key=lambda name: name.folder)]


def names_in_store() -> Iterator[Name]:
    return (name for folder in ("accounts/", "orders/") for key in store().list(folder) if (name := name_of(key)))


def restores() -> list[GivenUp]:
    return [given_up_in(store().get(key, sha256=None)) for key in store().list(RESTORES)]


def give_up(given_up: GivenUp) -> None:
    store().put(given_up.key, given_up.body, sha256=digest(given_up.body))


# --- Reading: the objects as they are ---

LAID_DOWN = """
CREATE TEMPORARY TABLE laid_down (key text, sha256 text, kind text, version int, taken_at timestamptz, body jsonb)
    ON COMMIT DROP
"""


def lay_down(names: list[Name], progress: Progress) -> None:
    execute(LAID_DOWN)
    execute("ALTER TABLE laid_down ALTER COLUMN body SET STORAGE EXTERNAL")  # it is read once for each table
    with connection.cursor() as cursor, ThreadPoolExecutor(THREADS, "restore") as pool:
        try:
            with cursor.copy("COPY laid_down FROM STDIN") as copy:
                for done, (name, body) in enumerate(read_all(names, pool)):
                    copy.write_row([name.key, digest(body), name.kind, name.version, name.taken_at, body.decode()])
                    progress("Reading", done, len(names))
        except (DataError, UnicodeDecodeError) as exc:
            raise RestoreRefused(f"An object is not JSON: {exc}") from exc


def read_all(names: list[Name], pool: ThreadPoolExecutor) -> Iterator[tuple[Name, bytes]]:
    """Read objects, some ahead of who takes them, in order."""
    rest = iter(names)
    while chunk := list(islice(rest, CHUNK)):
        yield from zip(chunk, pool.map(lambda name: store().get(name.key, sha256=None), chunk), strict=True)


UNSOUND = f"""
SELECT key FROM laid_down
WHERE (body ->> 'format', body ->> 'kind', (body ->> 'version')::int, (body ->> 'taken_at')::timestamptz)
    IS DISTINCT FROM ('{FORMAT}', kind, version, taken_at)
    OR (body ->> 'previous_sha256' IS NULL) <> (version = 1)
ORDER BY key LIMIT 10
"""


def check_laid_down() -> None:
    if found := execute(UNSOUND):
        raise RestoreRefused(f"Objects do not hold what their keys say: {', '.join(key for (key,) in found)}.")
    execute("ANALYZE laid_down")


# --- Loading: the rows of the documents ---


def load(progress: Progress) -> None:
    for done, part in enumerate(PARTS):
        progress("Loading", done, len(PARTS))
        execute(reference_rows(part) if part in REFERENCES else own_rows(part), {"defaults": defaults_of(part)})
        execute(f"ANALYZE {part.table}")


def own_rows(part: Part) -> str:
    return f"""
    INSERT INTO {part.table}
    SELECT r.* FROM laid_down d, jsonb_array_elements(d.body -> 'document' -> '{part.name}') AS e,
        jsonb_populate_record(NULL::{part.table}, %(defaults)s::jsonb || e.value) AS r
    {"ON CONFLICT DO NOTHING" if part.name in SHARED else ""}
    """


def reference_rows(part: Part) -> str:
    key = ", ".join(f"e.value ->> '{column}'" for column in part.key)
    return f"""
    INSERT INTO {part.table}
    SELECT r.* FROM (
        SELECT DISTINCT ON ({key}) e.value AS row, d.taken_at
        FROM laid_down d, jsonb_array_elements(d.body -> 'document' -> '{part.name}') AS e
        ORDER BY {key}, d.taken_at DESC
    ) newest, jsonb_populate_record(NULL::{part.table}, %(defaults)s::jsonb || newest.row) AS r
    ORDER BY newest.taken_at DESC ON CONFLICT DO NOTHING
    """


def defaults_of(part: Part) -> str:
    """Return what columns have that are younger than a document."""
    fields = [field for field in part.model._meta.concrete_fields if not field.primary_key]
    return json.dumps({field.column: default_of(field) for field in fields}, cls=DjangoJSONEncoder)


def default_of(field: Field):
    only_in_database = field.has_db_default() and not field.has_default()
    default = field.db_default if only_in_database else field.get_default()
    return "\\x" + default.hex() if isinstance(default, bytes) else default  # as PostgreSQL writes it


# --- Computing: what follows from the rows ---

SEATS = """
UPDATE flights_flightcabin c SET sold = n.sold, held = n.held, capacity = greatest(c.capacity, n.sold + n.held),
    free = greatest(c.capacity, n.sold + n.held) - n.sold - n.held
FROM (
    SELECT c.id, COALESCE(s.seats, 0) AS sold, COALESCE(h.seats, 0) AS held
    FROM flights_flightcabin c
    LEFT JOIN (
        SELECT k.flight_id, k.cabin, count(*) AS seats
        FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id AND b.status = 'confirmed'
        WHERE k.takes_seat AND k.status IN ('O', 'C', 'L', 'F') GROUP BY k.flight_id, k.cabin
    ) s ON s.flight_id = c.flight_id AND s.cabin = c.cabin
    LEFT JOIN (
        SELECT flight_cabin_id, sum(seats) AS seats FROM flights_seathold GROUP BY flight_cabin_id
    ) h ON h.flight_cabin_id = c.id
) n WHERE n.id = c.id
"""
BALANCES = """
UPDATE partners_account a SET balance = COALESCE(
    (SELECT sum(amount) FROM partners_ledgerentry e WHERE e.account_id = a.code), 0)
WHERE a.kind IN ('agency', 'customer')
"""
DOCUMENT_NUMBERS = """
SELECT setval('ticketing_serial', greatest(
    (SELECT max(right(number, 10)::bigint) FROM ticketing_ticket),
    (SELECT max(right(number, 10)::bigint) FROM ticketing_emd),
    (SELECT last_value FROM ticketing_serial)))
"""
BAG_TAGS = """
INSERT INTO ticketing_bagtagseries AS s (accounting_code, last_serial)
SELECT substr(tag_number, 2, 3), max(right(tag_number, 6)::int) FROM ticketing_bag GROUP BY 1
ON CONFLICT (accounting_code) DO UPDATE SET last_serial = greatest(s.last_serial, excluded.last_serial)
"""
# A document may have been made while another order's check-in was about to be committed.
SEQUENCE_NUMBERS = """
UPDATE ticketing_departure d SET last_sequence_number = greatest(d.last_sequence_number, p.last)
FROM (SELECT flight_id, max(sequence_number) AS last FROM ticketing_boardingpass GROUP BY 1) p
WHERE p.flight_id = d.flight_id
"""
BACKUPS = """
INSERT INTO orders_backup (kind, stream, version, taken_at, covers, key, sha256, stored_at, store_version)
SELECT kind, body ->> 'stream', version, taken_at, jsonb_build_object(
        'bookings', (SELECT COALESCE(jsonb_object_agg(b ->> 'id', b -> 'version'), '{}')
            FROM jsonb_array_elements(document -> 'bookings') AS b),
        'ledger', jsonb_array_length(document -> 'ledger')),
    key, sha256, %(at)s::timestamptz, ''
FROM laid_down, LATERAL (SELECT body -> 'document' AS document) AS d ORDER BY taken_at, key
"""


def compute() -> None:
    for statement in (SEATS, BALANCES, DOCUMENT_NUMBERS, BAG_TAGS, SEQUENCE_NUMBERS):
        execute(statement)


def move_sequences() -> None:
    """Let each numbered table go on behind the numbers that it has now."""
    models: list[type[Model]] = [*(part.model for part in PARTS), Backup]
    for statement in connection.ops.sequence_reset_sql(no_style(), models):
        execute(statement)
