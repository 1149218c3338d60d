"""Orders by page number, which is told how many there are: an agency's number is kept, a page read from the index.

An agency's orders are counted when it first lists them. From then on whoever adds an order or deletes one changes the
number in the same statement or transaction, after the account's lock.
"""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F

from orders.models import Order, Tally
from partners.callers import Caller
from skybridge.sql import read_rows


class OrderFacts(NamedTuple):
    """What a list shows of an order."""

    pk: UUID
    customer_id: str
    total_amount: Decimal
    refunded_amount: Decimal
    currency: str
    status: str
    created_at: datetime
    updated_at: datetime


# A common table expression: one order more, if there is `enough`.
COUNTED = """
tally AS (
    UPDATE orders_tally t SET orders = t.orders + 1 FROM enough WHERE t.agency_id = %(agency_id)s::uuid
)"""
COLUMNS = ", ".join(f"o.{'id' if name == 'pk' else name}" for name in OrderFacts._fields)
# The ids of a page come from an index alone. Values behind a SELECT are hidden from the planner, which would otherwise
# make a new plan for each page.
PAGE = f"""
SELECT whole.total, {COLUMNS}
FROM (SELECT ({{total}}) AS total) AS whole LEFT JOIN LATERAL (
    SELECT id FROM orders_order WHERE deleted_at IS NULL {{whose}}
    ORDER BY id DESC LIMIT (SELECT %(limit)s::bigint) OFFSET (SELECT %(first)s::bigint)
) AS page ON true LEFT JOIN orders_order o ON o.id = page.id
ORDER BY o.id DESC
"""
OF_AGENCY = "AND agency_id = (SELECT %(owner)s::uuid)"
OF_TRAVELLER = "AND agency_id IS NULL AND customer_id = (SELECT %(owner)s::text)"
KEPT = "SELECT orders FROM orders_tally WHERE agency_id = %(owner)s::uuid"


@cache
def page_sql(whose: str) -> str:
    total = KEPT if whose == OF_AGENCY else f"SELECT count(*) FROM orders_order WHERE deleted_at IS NULL {whose}"
    return PAGE.format(total=total, whose=whose)


def page_of_orders(query: dict[str, int], *, caller: Caller) -> tuple[list[OrderFacts], int]:
    """Return a page, newest first, and how many orders the caller may see. One statement, but for the first time."""
    if caller.booking_id and not caller.is_staff:
        return [], 0
    whose = "" if caller.is_staff else OF_AGENCY if caller.agency_id else OF_TRAVELLER
    first = (query["page"] - 1) * query["limit"]
    parameters: dict[str, Any] = {"limit": query["limit"], "first": first}
    if whose:
        parameters["owner"] = caller.agency_id or caller.user_id
    rows = read_rows(page_sql(whose), parameters)
    total = rows[0][0]
    if total is None and caller.agency_id:
        total = count_orders(caller.agency_id)
    return [OrderFacts._make(row[1:]) for row in rows if row[1] is not None], total


def count_orders(agency_id: UUID) -> int:
    """Count an agency's orders, and keep the number unless somebody is at work with orders for too long just now.

    Nobody writes an order meanwhile, so that none is missed: a statement that had to wait sees the number.
    """
    with suppress(OperationalError), transaction.atomic():
        execute("SET LOCAL lock_timeout = 200")
        execute("LOCK TABLE orders_order IN SHARE ROW EXCLUSIVE MODE")
        Tally.objects.bulk_create([Tally(agency_id=agency_id, orders=live(agency_id))], ignore_conflicts=True)
    return live(agency_id)


def live(agency_id: UUID) -> int:
    return Order.objects.live().filter(agency_id=agency_id).count()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def uncount(order: Order) -> None:
    """Take an order that is deleted out of its agency's number, in the transaction that deletes it. One statement."""
    if order.agency_id:
        Tally.objects.filter(agency_id=order.agency_id).update(orders=F("orders") - 1)
