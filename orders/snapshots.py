"""What an order is, in rows: the one list of tables that a backup holds, a restore loads and a dump compares.

A document is `{name: [row, ...]}` with whole rows, as PostgreSQL writes them, so that a column added later is carried
along by itself. An order's document holds what belongs to it (OWN) and the rows which those refer to (REFERENCES): it
can be restored without any other.
"""

from functools import cache
from typing import NamedTuple

from django.db.models import Model

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


class Part(NamedTuple):
    """One table of a document: its name there, its model, and which of its rows (`t`) belong to the orders."""

    name: str
    model: type[Model]
    which: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> list[str]:
        return [str(field.column) for field in self.model._meta.pk_fields]


# Each starts from `its_orders (id)`, which the statement that uses them defines.
SETS = """
its_bookings AS MATERIALIZED (
    SELECT id, agency_id FROM bookings_booking WHERE order_id IN (SELECT id FROM its_orders)
), its_tickets AS MATERIALIZED (
    SELECT id FROM ticketing_ticket WHERE booking_id IN (SELECT id FROM its_bookings)
), its_coupons AS MATERIALIZED (
    SELECT id, flight_id FROM ticketing_coupon WHERE ticket_id IN (SELECT id FROM its_tickets)
), its_disruptions AS MATERIALIZED (
    SELECT b.id AS disrupted_id, d.id, d.flight_id
    FROM orders_disruptedbooking b JOIN orders_disruption d ON d.id = b.disruption_id
    WHERE b.booking_id IN (SELECT id FROM its_bookings)
), its_emds AS MATERIALIZED (
    SELECT e.id FROM ticketing_emd e JOIN orders_orderitem i ON i.id = e.order_item_id
    WHERE i.order_id IN (SELECT id FROM its_orders)
), its_flights AS MATERIALIZED (
    SELECT id, carrier_id, origin_id, destination_id FROM flights_flight
    WHERE id IN (SELECT flight_id FROM its_coupons UNION SELECT flight_id FROM its_disruptions)
), its_fares AS MATERIALIZED (
    SELECT id, origin_id, destination_id FROM flights_fare
    WHERE id IN (SELECT fare_id FROM flights_flightcabin WHERE flight_id IN (SELECT id FROM its_flights))
), its_payments AS MATERIALIZED (
    SELECT id, account_id FROM partners_payment WHERE order_id IN (SELECT id FROM its_orders)
), its_agencies AS MATERIALIZED (
    SELECT id, plan_id FROM partners_agency WHERE id IN (
        SELECT agency_id FROM its_bookings
        UNION SELECT agency_id FROM orders_order WHERE id IN (SELECT id FROM its_orders)
    )
)"""
THEIR_ORDER = "order_id IN (SELECT id FROM its_orders)"
THEIR_BOOKING = "booking_id IN (SELECT id FROM its_bookings)"
# In the order in which they can be loaded.
REFERENCES = [
    Part("plans", Plan, "id IN (SELECT plan_id FROM its_agencies)"),
    Part("agencies", Agency, "id IN (SELECT id FROM its_agencies)"),
    Part(
        "accounts",
        Account,
        f"""code IN (
            SELECT account_id FROM partners_ledgerentry WHERE {THEIR_ORDER} UNION SELECT account_id FROM its_payments
        )""",
    ),
    Part(
        "airports",
        Airport,
        """iata IN (
            SELECT origin_id FROM its_flights UNION SELECT destination_id FROM its_flights
            UNION SELECT origin_id FROM its_fares UNION SELECT destination_id FROM its_fares
        )""",
    ),
    Part("carriers", Carrier, "iata IN (SELECT carrier_id FROM its_flights)"),
    Part("fares", Fare, "id IN (SELECT id FROM its_fares)"),
    Part("flights", Flight, "id IN (SELECT id FROM its_flights)"),
    Part("cabins", FlightCabin, "flight_id IN (SELECT id FROM its_flights)"),
    Part("departures", Departure, "flight_id IN (SELECT id FROM its_flights)"),
    Part("disruptions", Disruption, "id IN (SELECT id FROM its_disruptions)"),
    Part("products", Product, f"product_id IN (SELECT product_id FROM orders_orderitem WHERE {THEIR_ORDER})"),
]
OWN = [
    Part("orders", Order, "id IN (SELECT id FROM its_orders)"),
    Part("bookings", Booking, "id IN (SELECT id FROM its_bookings)"),
    Part("items", OrderItem, THEIR_ORDER),
    Part("tickets", Ticket, THEIR_BOOKING),
    Part("coupons", Coupon, "ticket_id IN (SELECT id FROM its_tickets)"),
    Part("travel_documents", TravelDocument, "ticket_id IN (SELECT id FROM its_tickets)"),
    Part("emds", Emd, "id IN (SELECT id FROM its_emds)"),
    Part("boarding_passes", BoardingPass, "coupon_id IN (SELECT id FROM its_coupons)"),
    Part("scans", Scan, "coupon_id IN (SELECT id FROM its_coupons)"),
    Part("bags", Bag, "coupon_id IN (SELECT id FROM its_coupons)"),
    Part("disrupted_bookings", DisruptedBooking, THEIR_BOOKING),
    Part("seat_holds", SeatHold, THEIR_BOOKING),
    Part("quotes", Quote, f"{THEIR_BOOKING} AND confirmed_at IS NOT NULL"),  # the others are offers that run out
    Part("order_quotes", OrderQuote, f"{THEIR_ORDER} AND confirmed_at IS NOT NULL"),
    Part("ledger", LedgerEntry, THEIR_ORDER),
    Part("payments", Payment, THEIR_ORDER),
    Part("refunds", Refund, "payment_id IN (SELECT id FROM its_payments)"),
    Part("executions", Execution, THEIR_ORDER),
    Part("history", ExecutionEvent, "execution_id IN (SELECT id FROM its_orders)"),
    Part(
        "events",
        Event,
        """subject_id IN (
            SELECT id FROM its_orders UNION ALL SELECT id FROM its_bookings UNION ALL SELECT id FROM its_tickets
            UNION ALL SELECT id FROM its_coupons UNION ALL SELECT id FROM its_emds
            UNION ALL SELECT id FROM ticketing_bag WHERE coupon_id IN (SELECT id FROM its_coupons)
            UNION ALL SELECT id FROM its_payments
            UNION ALL SELECT disrupted_id FROM its_disruptions
            UNION ALL SELECT id FROM partners_refund WHERE payment_id IN (SELECT id FROM its_payments)
        )""",
    ),
]
PARTS = [*REFERENCES, *OWN]


@cache
def order_document(order_id: str = "%(order_id)s::uuid") -> str:
    """Return the SQL of an order's document, a row with one column `document`; `order_id` is the SQL of its id."""
    rows = ", ".join(f"'{part.name}', {rows_of(part)}" for part in PARTS)
    return f"""
    WITH its_orders (id) AS (VALUES ({order_id})), {SETS}
    SELECT jsonb_build_object({rows}) AS document
    """


def rows_of(part: Part, source: str = "") -> str:
    """Return the SQL of a part's rows as a JSON array in the order of its key."""
    key = ", ".join(f"t.{column}" for column in part.key)
    source = source or f"{part.table} t WHERE t.{part.which}"
    return f"(SELECT COALESCE(jsonb_agg(to_jsonb(t) ORDER BY {key}), '[]') FROM {source})"


@cache
def account_document() -> str:
    """Return the SQL of an account's document: its terms, its events, and the postings on it that belong to no order.

    A posting is there with all its entries. It takes `code` and `subject_id`.
    """
    sources = {
        "plans": "(SELECT * FROM partners_plan WHERE id IN (SELECT plan_id FROM its_agencies))",
        "agencies": "its_agencies",
        "accounts": "its_accounts",
        "ledger": "its_entries",
        "events": "(SELECT * FROM skybridge_event WHERE subject_id = %(subject_id)s AND action LIKE 'account.%%')",
    }
    rows = ", ".join(
        f"'{part.name}', {rows_of(part, sources[part.name] + ' t')}" for part in PARTS if part.name in sources
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
    SELECT jsonb_build_object({rows}) AS document
    """
