"""The canonical dump: each row of orders, bookings, tickets and ledger as a line, to compare two databases.

It leaves out what a restore takes over from elsewhere or computes anew: flights, agencies, products, backups.
"""

import hashlib
from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from django.db.models import CharField

from orders.restoring import execute, take_time
from orders.snapshots import OWN, PARTS, Part, among, sets

CHUNK = 2_000
# These belong to accounts too, not to orders alone.
ALSO = {
    "ledger": "TRUE",
    "accounts": "t.code IN (SELECT account_id FROM partners_ledgerentry)",
    "events": "t.action LIKE 'account.%'",
}
DUMPED = [part for part in PARTS if part.name == "accounts" or part in OWN]


def dump() -> Iterator[str]:
    """Yield the lines, sorted by table and primary key, all of one moment, without holding them in memory."""
    with transaction.atomic():
        see_one_moment()
        for part in DUMPED:
            yield from lines_of(part)


def see_one_moment() -> None:
    take_time()
    if not connection.savepoint_ids:  # not inside another transaction, as tests are
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def lines_of(part: Part) -> Iterator[str]:
    sql = f"""
    WITH root AS (SELECT id FROM orders_order), {sets()}
    SELECT jsonb_build_object('table', '{part.table}', 'row', to_jsonb(t))::text FROM {part.table} t
    WHERE ({among(part)}) OR {ALSO.get(part.name, "FALSE")} ORDER BY {key_of(part)}
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(CHUNK):
            yield from (line for (line,) in rows)


def key_of(part: Part) -> str:
    """Return the SQL to sort by, the same whatever the database's language."""
    fields = part.model._meta.pk_fields
    return ", ".join(f"t.{field.column}" + ' COLLATE "C"' * isinstance(field, CharField) for field in fields)


def digest_of(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
