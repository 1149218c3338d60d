"""What an order is, in rows: the one list of tables that a backup holds, a restore loads and a dump compares.

A document is `{name: [row, ...]}` with whole rows, as PostgreSQL writes them, so that a column added later is carried
along by itself. An order's document holds what belongs to it (OWN) and the rows which those refer to (REFERENCES): it
can be restored without any other.

One order's rows are found by arrays of the ids of those before them, and brought into order by one sort: a sort, or a
hash, for each table costs more than all of the reading.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

from django.db.models import CharField, ForeignKey, Model, UUIDField

from bookings.models import Booking, Quote
from flights.models import Airport, Carrier, Fare, Flight, FlightCabin, SeatHold
from orders.models import (
    DisruptedBooking,
    Disruption,
    Execution,
    ExecutionEvent,
    Order,
    OrderItem,
    OrderQuote,
    Product,
)
from partners.models import Account, Agency, LedgerEntry, Payment, Plan, Refund
from skybridge.models import Event
from ticketing.models import Bag, BoardingPass, Coupon, Departure, Emd, Scan, Ticket, TravelDocument

ROOT = "root.id"
COUNTED = {"bookings": {"version"}}  # columns that COVERS takes


class Part(NamedTuple):
    """One table of a document: its name there, its model, and which of its rows belong to the orders.

    Those whose `column` has a value of columns of other parts (`of`), if they fulfil a condition.
    """

    name: str
    model: type[Model]
    column: str
    of: str
    condition: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> list[str]:
        return [str(field.column) for field in self.model._meta.pk_fields]

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Return the parts, and their columns, that name its rows."""
        return [(name, column) for name, _, column in (source.partition(".") for source in self.of.split())]


# In the order in which they can be loaded.
REFERENCES = [
    Part("plans", Plan, "id", "agencies.plan_id"),
    Part("agencies", Agency, "id", "orders.agency_id bookings.agency_id"),
    Part("accounts", Account, "code", "ledger.account_id payments.account_id"),
    Part("airports", Airport, "iata", "flights.origin_id flights.destination_id fares.origin_id fares.destination_id"),
    Part("carriers", Carrier, "iata", "flights.carrier_id"),
    Part("fares", Fare, "id", "cabins.fare_id"),
    Part("flights", Flight, "id", "coupons.flight_id disruptions.flight_id"),
    Part("cabins", FlightCabin, "flight_id", "flights.id"),
    Part("departures", Departure, "flight_id", "flights.id"),
    Part("disruptions", Disruption, "id", "disrupted_bookings.disruption_id"),
    Part("products", Product, "product_id", "items.product_id"),
]
OWN = [
    Part("orders", Order, "id", ROOT),
    Part("bookings", Booking, "order_id", "orders.id"),
    Part("items", OrderItem, "order_id", "orders.id"),
    Part("tickets", Ticket, "booking_id", "bookings.id"),
    Part("coupons", Coupon, "ticket_id", "tickets.id"),
    Part("travel_documents", TravelDocument, "ticket_id", "tickets.id"),
    Part("emds", Emd, "order_item_id", "items.id"),
    Part("boarding_passes", BoardingPass, "coupon_id", "coupons.id"),
    Part("scans", Scan, "coupon_id", "coupons.id"),
    Part("bags", Bag, "coupon_id", "coupons.id"),
    Part("disrupted_bookings", DisruptedBooking, "booking_id", "bookings.id"),
    Part("seat_holds", SeatHold, "booking_id", "bookings.id"),
    # The others are offers that run out.
    Part("quotes", Quote, "booking_id", "bookings.id", "confirmed_at IS NOT NULL"),
    Part("order_quotes", OrderQuote, "order_id", "orders.id", "confirmed_at IS NOT NULL"),
    Part("ledger", LedgerEntry, "order_id", "orders.id"),
    Part("payments", Payment, "order_id", "orders.id"),
    Part("refunds", Refund, "payment_id", "payments.id"),
    Part("executions", Execution, "order_id", "orders.id"),
    Part("history", ExecutionEvent, "execution_id", "orders.id"),
    Part(
        "events",
        Event,
        "subject_id",
        "orders.id bookings.id tickets.id coupons.id emds.id bags.id payments.id disrupted_bookings.id refunds.id",
    ),
]
PARTS = [*REFERENCES, *OWN]
BY_NAME = {part.name: part for part in PARTS}


@cache
def columns_of(name: str) -> list[str]:
    """Return the columns of a part by which others find their rows."""
    named = {column for part in PARTS for source, column in part.sources if source == name}
    return sorted(named | COUNTED.get(name, set()))


@cache
def chain() -> list[Part]:
    """Return the parts by which others find their rows, each behind those by which its own are found."""
    found: dict[str, Part] = {}

    def add(part: Part) -> None:
        for name, _ in part.sources:
            if name in BY_NAME and name not in found:
                add(BY_NAME[name])
        if columns_of(part.name):
            found[part.name] = part

    for part in PARTS:
        add(part)
    return list(found.values())


# --- The rows of many orders: sets, to be joined ---


@cache
def sets() -> str:
    """Return the SQL of `its_<part>`, tables of what belongs to the orders whose ids a table `root` has."""
    return ", ".join(
        f"its_{part.name} AS MATERIALIZED (SELECT {', '.join(columns_of(part.name))} FROM {part.table} t"
        f" WHERE {among(part)})"
        for part in chain()
    )


def among(part: Part) -> str:
    """Return the SQL that tells whether a row `t` of a part belongs to the orders that `sets` starts from."""
    found = (f"SELECT {column} FROM {f'its_{name}' if name in BY_NAME else name}" for name, column in part.sources)
    return conditions(part, f"t.{part.column} IN ({' UNION ALL '.join(found)})")


def conditions(part: Part, belongs: str) -> str:
    return f"{belongs} AND t.{part.condition}" if part.condition else belongs


# --- The rows of one order: arrays of what they refer to, and one sort ---

COVERS = """jsonb_build_object(
        'bookings', (SELECT COALESCE(jsonb_object_agg(b.id, b.version), '{}')
            FROM unnest(bookings.id, bookings.version) AS b (id, version)),
        'ledger', COALESCE(cardinality(ledger.account_id), 0))"""
COVERS_NO_BOOKING = """jsonb_build_object(
        'bookings', '{}'::jsonb,
        'ledger', COALESCE(cardinality(ledger.account_id), 0))"""


def order_document(
    order_id: str,
    *,
    changed: Mapping[str, str] = {},
    added: Mapping[str, str] = {},
    only: Mapping[str, str] = {},
    without: Collection[str] = (),
) -> str:
    """Return the SQL of an order's document and of what it covers, one row `document, covers`.

    `order_id` is the SQL of its id. A statement does not see the rows that it writes itself: it names the parts of
    which it has changed or added rows, each with the common table expression that returns them whole (`RETURNING t.*`);
    `only` those rows are of a part that has no others. It is `without` parts that it knows to have none, and
    those that are found by these alone.
    """
    tables = {part.name: part.table for part in PARTS}
    tables |= {name: but(BY_NAME[name], rows) for name, rows in changed.items()}
    tables |= {name: f"(TABLE {BY_NAME[name].table} UNION ALL TABLE {rows})" for name, rows in added.items()}
    tables |= only
    empty = with_dependents(without)
    found = " ".join(
        f"CROSS JOIN LATERAL {arrays(part, tables[part.name], empty)} AS {part.name}"
        for part in chain()
        if part.name not in empty
    )
    rows = {p.name: "" if p.name in empty else f"{tables[p.name]} t WHERE {within(p, empty)}" for p in PARTS}
    covers = COVERS if "bookings" not in empty else COVERS_NO_BOOKING
    return f"""
    SELECT document, {covers} AS covers
    FROM (SELECT ARRAY[{order_id}] AS id) AS root {found} CROSS JOIN LATERAL ({document_of(rows)}) AS d
    """


def with_dependents(names: Collection[str]) -> set[str]:
    """Return parts, and those whose rows are found by these alone."""
    found = set(names)
    while more := {p.name for p in PARTS if p.name not in found and all(name in found for name, _ in p.sources)}:
        found |= more
    return found


def but(part: Part, changed: str) -> str:
    """Return the SQL of a table with the rows of another in place of its own."""
    key = ", ".join(part.key)
    return f"(SELECT * FROM {part.table} WHERE ({key}) NOT IN (SELECT {key} FROM {changed}) UNION ALL TABLE {changed})"


def arrays(part: Part, table: str, empty: Collection[str]) -> str:
    values = ", ".join(f"array_agg({column}) AS {column}" for column in columns_of(part.name))
    return f"(SELECT {values} FROM {table} t WHERE {within(part, empty)})"


def within(part: Part, empty: Collection[str]) -> str:
    """Return the SQL that tells whether a row `t` of a part belongs to the order whose arrays are at hand."""
    found = (f"{name}.{column}" if column else name for name, column in part.sources if name not in empty)
    return conditions(part, f"t.{part.column} = ANY ({' || '.join(found)})")


def document_of(rows: Mapping[str, str]) -> str:
    """Return the SQL of a document, one row `document`, JSON text; `rows` says what each part's rows `t` come from.

    A part's rows are in the order of its key; one that comes from nothing has none.
    """
    names = ", ".join(f"'{name}'" for name in rows)
    found = " UNION ALL ".join(
        f"SELECT {place}, {keys_of(BY_NAME[name])}, row_to_json(t)::text FROM {source}"
        for place, (name, source) in enumerate(rows.items(), start=1)
        if source
    )
    return f"""
    SELECT '{{' || string_agg(part, ',') || '}}' AS document FROM (
        SELECT '"' || (ARRAY[{names}])[place] || '":[' || COALESCE(string_agg(line, ','), '') || ']' AS part
        FROM (
            SELECT place, line FROM (
                SELECT generate_series(1, {len(rows)}) AS place, NULL::uuid AS u, NULL::bigint AS n, NULL::text AS s,
                    NULL::text AS line
                UNION ALL {found}
            ) AS found ORDER BY place, u, n, s
        ) AS sorted GROUP BY place
    ) AS parts
    """


def keys_of(part: Part) -> str:
    """Return the key of a row `t` as the three columns of all parts' sort: a UUID, a number and a text."""
    keys = {"u": "NULL", "n": "NULL", "s": "NULL"}
    for field in part.model._meta.pk_fields:
        kept = field.target_field if isinstance(field, ForeignKey) else field
        kind = "u" if isinstance(kept, UUIDField) else "s" if isinstance(kept, CharField) else "n"
        keys[kind] = f"t.{field.column}"
    return ", ".join(keys.values())


# --- Accounts ---


@cache
def account_document() -> str:
    """Return the SQL of an account's document: its terms, its events, and the postings on it that belong to no order.

    A posting is there with all its entries. It takes `code` and `subject_id`.
    """
    document = document_of(
        {
            "plans": "partners_plan t WHERE id IN (SELECT plan_id FROM its_agencies)",
            "agencies": "its_agencies t",
            "accounts": "its_accounts t",
            "ledger": "its_entries t",
            "events": "skybridge_event t WHERE subject_id = %(subject_id)s AND action LIKE 'account.%%'",
        }
    )
    return f"""
    WITH its_entries AS MATERIALIZED (
        SELECT * FROM partners_ledgerentry WHERE order_id IS NULL AND posting_id IN (
            SELECT posting_id FROM partners_ledgerentry WHERE account_id = %(code)s AND order_id IS NULL
        )
    ), its_accounts AS MATERIALIZED (
        SELECT * FROM partners_account WHERE code = %(code)s OR code IN (SELECT account_id FROM its_entries)
    ), its_agencies AS MATERIALIZED (
        SELECT * FROM partners_agency WHERE id IN (SELECT agency_id FROM its_accounts)
    )
    SELECT document, jsonb_build_object('ledger', (SELECT count(*) FROM its_entries)) AS covers FROM ({document}) AS d
    """
