"""Recording a sale: a hot operation, one SQL statement that takes what is sold and writes everything that follows.

It locks what may be short first (products or a held booking, the owner's account last), and writes only if there is
enough of all, so it needs no transaction: order, items, execution, ledger lines, event and, if it is all there is to
do, the order's first backup and the answer to an `Idempotency-Key`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse

from bookings.confirmation import HELD, SOLD_AND_ISSUED, STATUSES, confirmed_view, held_parameters
from bookings.documents import BookingView
from bookings.holds import KEPT, claim_parameters
from orders.accounts import open_accounts, sale_legs
from orders.backups import kept
from orders.emds import EmdDraft
from orders.exceptions import OutOfStock
from orders.models import Order, Product
from orders.numbered_pages import COUNTED
from orders.snapshots import order_document
from orders.workflow import STATES
from partners import ledger
from skybridge import context
from skybridge.events import Actor, Happening
from skybridge.exceptions import ConcurrentChange, StillRunning
from skybridge.idempotency import Claim
from skybridge.sql import read_rows


class Item(NamedTuple):
    """An item to be: `price` is of one piece, `taxes` the part of the whole item that is tax."""

    product_id: str | None
    booking_id: UUID | None
    description: str
    quantity: int
    price: Decimal
    currency: str
    taxes: Decimal = Decimal(0)
    emd: EmdDraft | None = None

    @property
    def total_amount(self) -> Decimal:
        return self.price * self.quantity


class Outcome(NamedTuple):
    """What a statement found. Nothing is written unless it `is_written`."""

    is_written: bool
    is_claimed: bool
    is_ready: bool  # there was enough stock, or the booking was as it had been read
    are_accounts_open: bool
    balance: Decimal  # these of an owner who would be over its limit
    limit: Decimal | None
    needed: Decimal
    emds: int
    numbers: dict[str, str] | None  # of the tickets that were issued, by id


CLAIMED = """
claimed AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(%(lock)s::bigint) AND NOT EXISTS (
        SELECT FROM skybridge_idempotencykey WHERE caller = %(caller)s::text AND key = %(key)s::text
    ) AS is_mine
)"""
UNCLAIMED = "claimed AS (SELECT true AS is_mine)"
# Each kind of sale says when it is `ready`, and takes what it sells if there is `enough`.
STOCK = """
wanted AS (
    SELECT * FROM jsonb_to_recordset(%(products)s::jsonb) AS w (product_id text, quantity int)
), shelf AS MATERIALIZED (
    SELECT p.product_id, p.stock, p.on_sale, w.quantity
    FROM orders_product p JOIN wanted w ON w.product_id = p.product_id
    ORDER BY p.product_id FOR NO KEY UPDATE OF p
), ready AS MATERIALIZED (
    SELECT 1 FROM claimed WHERE is_mine
        AND (SELECT count(*) FROM shelf WHERE on_sale AND stock >= quantity) = (SELECT count(*) FROM wanted)
)"""
TAKEN = """
taken AS (
    UPDATE orders_product p SET stock = p.stock - s.quantity FROM shelf s, enough WHERE p.product_id = s.product_id
    RETURNING p.*
)"""
ENOUGH = """
known AS (
    SELECT count(*) AS accounts FROM partners_account a JOIN change c ON c.code = a.code
), enough AS MATERIALIZED (
    SELECT 1 FROM ready, known
    WHERE accounts = (SELECT count(*) FROM change) AND NOT EXISTS (SELECT FROM over)
)"""
FOLLOWS = """
sold AS (
    INSERT INTO orders_order (id, agency_id, customer_id, status, currency, total_amount, refunded_amount,
        payment_method, contact_email, version, created_at, updated_at)
    SELECT %(order_id)s::uuid, %(agency_id)s::uuid, %(customer_id)s, 'pending', %(currency)s,
        %(total_amount)s::numeric, 0, %(payment_method)s, %(contact_email)s, 1, %(at)s::timestamptz,
        %(at)s::timestamptz
    FROM enough
    RETURNING *
), items AS (
    INSERT INTO orders_orderitem (order_id, position, product_id, booking_id, is_change, description, quantity, price)
    SELECT %(order_id)s::uuid, i.position, i.product_id, i.booking_id, false, i.description, i.quantity, i.price
    FROM enough, jsonb_to_recordset(%(items)s::jsonb) AS i (position int, product_id text, booking_id uuid,
        description text, quantity int, price numeric)
    RETURNING *
), execution AS (
    INSERT INTO orders_execution (order_id, status, state, attempt, losses, due_at, error, cause, redrive_count,
        last_event_id, started_at)
    SELECT %(order_id)s::uuid, 'RUNNING', %(first_state)s, 0, 0, %(at)s::timestamptz, '', '', 0, 1,
        %(at)s::timestamptz
    FROM enough
    RETURNING *
), history AS (
    INSERT INTO orders_executionevent (execution_id, event_id, type, at, state, details)
    SELECT %(order_id)s::uuid, 1, 'ExecutionStarted', %(at)s::timestamptz, '', '{}' FROM enough
    RETURNING *
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, e.action, e.subject_id, e.before, e.after,
        e.reason, %(request_id)s
    FROM enough, jsonb_to_recordset(%(events)s::jsonb) AS e (action text, subject_id uuid, before jsonb, after jsonb,
        reason text)
    RETURNING *
)"""
# The EMDs of items, as long as their coupons have the status that was read.
EMDS = """
emds AS (
    INSERT INTO ticketing_emd (id, ticket_id, coupon_id, order_item_id, product_id, type, rfic, rfisc, description,
        quantity, currency, amount, status, created_at)
    SELECT e.id, e.ticket_id, e.coupon_id, i.id, i.product_id, 'A', e.rfic, e.rfisc, i.description, i.quantity,
        %(currency)s, i.price * i.quantity, e.status, %(at)s::timestamptz
    FROM items i
    JOIN jsonb_to_recordset(%(emds)s::jsonb) AS e (position int, id uuid, ticket_id uuid, coupon_id uuid, rfic text,
        rfisc text, status text) ON e.position = i.position
    JOIN ticketing_coupon k ON k.id = e.coupon_id AND k.status = e.status AND NOT k.is_superseded
    RETURNING 1
)"""
FOUND = """
SELECT EXISTS (SELECT FROM enough), (SELECT is_mine FROM claimed), EXISTS (SELECT FROM ready),
    (SELECT accounts FROM known) = (SELECT count(*) FROM change), over.balance, over.credit_limit, over.amount,
    {emds}, {numbers}
FROM (VALUES (1)) AS one LEFT JOIN over ON true
"""
# Where a new order's backup finds the rows that the statement itself writes, by the names of the backup's parts.
NEW = {"orders": "sold", "items": "items", "ledger": "posted", "executions": "execution", "history": "history"}
NOT_YET = ("emds", "payments", "order_quotes")
OF_PRODUCTS: dict[str, Any] = {
    "changed": {"accounts": "moved", "products": "taken"},
    "only": NEW,
    "without": (*NOT_YET, "bookings"),
}
OF_BOOKING: dict[str, Any] = {
    "changed": {"accounts": "moved", "tickets": "issued", "cabins": "settled"},
    "only": NEW | {"bookings": "booking"},
    "without": (*NOT_YET, "products", "seat_holds", "boarding_passes", "scans", "bags"),
}


def backup(selling: bool) -> str:
    document = order_document("o.id", added={"events": "event"}, **(OF_BOOKING if selling else OF_PRODUCTS))
    return f"backup AS ({kept('sold', document)})"


@cache
def statement(*, selling: bool, with_emds: bool, claimed: bool, with_backup: bool) -> str:
    """Return the SQL of a sale: `selling` a held booking or else products, `with_backup` if that is all to be done."""
    ready, taken = (HELD, SOLD_AND_ISSUED) if selling else (STOCK, TAKEN)
    parts = [
        CLAIMED if claimed else UNCLAIMED,
        ready,
        ledger.LEGS.format(ready="AND EXISTS (SELECT FROM ready)"),
        ENOUGH,
        taken,
        FOLLOWS,
        ledger.POSTING,
        COUNTED,
        *([EMDS] if with_emds else []),
        *([backup(selling)] if with_backup else []),
    ]
    emds = "(SELECT count(*) FROM emds)" if with_emds else "0"
    numbers = "(SELECT jsonb_object_agg(id, number) FROM issued)" if selling else "NULL::jsonb"
    return f"WITH {', '.join(parts)}{KEPT if claimed else ''} {FOUND.format(emds=emds, numbers=numbers)}"


def write_order(order: Order, items: Sequence[Item], *, actor: Actor, at: datetime) -> None:
    """Take the stock, write the order with its execution, and charge the account. One statement.

    Raises OutOfStock, CreditLimitExceeded, or ConcurrentChange for a coupon that has moved; the caller's transaction
    rolls back, and keeps the backup if not.
    """
    emds = sum(item.emd is not None for item in items)
    sql = statement(selling=False, with_emds=bool(emds), claimed=False, with_backup=False)
    outcome = carry_out(sql, order, items, order_parameters(order, items, actor, at))
    if not outcome.is_ready:
        raise too_little(items)
    if outcome.emds < emds:
        raise ConcurrentChange


def write_whole_order(
    order: Order, items: Sequence[Item], *, actor: Actor, claim: Claim | None, answer: HttpResponse | None, at: datetime
) -> None:
    """Do what `write_order` does for products alone, and keep the backup and, with a claim, the answer.

    Nothing has changed when it raises OutOfStock, CreditLimitExceeded or StillRunning.
    """
    sql = statement(selling=False, with_emds=False, claimed=claim is not None, with_backup=True)
    parameters = order_parameters(order, items, actor, at)
    if claim and answer is not None:
        parameters |= claim_parameters(claim, answer)
    outcome = carry_out(sql, order, items, parameters)
    if not outcome.is_claimed:
        raise StillRunning
    if not outcome.is_ready:
        raise too_little(items)


def write_confirmed_order(
    order: Order, view: BookingView, item: Item, *, actor: Actor, at: datetime
) -> BookingView | None:
    """Sell a held booking as it was read, issue its tickets, write the order that sells it, and keep the backup.

    Returns the booking as it stands then, or None when it has changed meanwhile. Raises CreditLimitExceeded. Nothing
    has changed then.
    """
    sql = statement(selling=True, with_emds=False, claimed=False, with_backup=True)
    confirmed = Happening("booking.confirmed", view.booking.id, *STATUSES, reason=context.reason.get())
    parameters = order_parameters(order, [item], actor, at, confirmed) | held_parameters(view)
    outcome = carry_out(sql, order, [item], parameters)
    return confirmed_view(view, order.pk, outcome.numbers or {}, at) if outcome.is_ready else None


def carry_out(sql: str, order: Order, items: Sequence[Item], parameters: dict[str, Any]) -> Outcome:
    """Carry out a sale, with new accounts if need be. Raises CreditLimitExceeded."""
    legs = sale_legs(order, sum((item.taxes for item in items), Decimal(0)))
    parameters |= ledger.posting("sale", legs, currency=order.currency, order_id=order.pk, at=order.created_at)
    if not legs:
        open_accounts(order, legs)  # nothing is charged now, but a change will be
    outcome = execute(sql, parameters)
    if outcome.are_accounts_open:
        return outcome
    with transaction.atomic():
        open_accounts(order, legs)
        return execute(sql, parameters)


def execute(sql: str, parameters: dict[str, Any]) -> Outcome:
    [row] = read_rows(sql, parameters)
    outcome = Outcome._make(row)
    if outcome.limit is not None:
        raise ledger.limit_exceeded(outcome.balance, outcome.limit, outcome.needed, parameters["currency"])
    return outcome


def too_little(items: Iterable[Item]) -> OutOfStock:
    """Return the refusal of what there was too little of. One statement."""
    wanted = pieces_of(items)
    products = Product.objects.filter(pk__in=wanted)
    return out_of_stock([p for p in products if p.stock < wanted[p.pk] or not p.on_sale])


def out_of_stock(short: Iterable[Product]) -> OutOfStock:
    stock = {product.product_id: product.stock for product in short}
    listed = ", ".join(f"{product_id} ({left} left)" for product_id, left in stock.items())
    return OutOfStock(f"Not enough stock: {listed}.", stock=stock)


def pieces_of(items: Iterable[Item]) -> Counter[str]:
    """Return how many pieces of each product items have together."""
    pieces: Counter[str] = Counter()
    for item in items:
        if item.product_id:
            pieces[item.product_id] += item.quantity
    return pieces


def order_parameters(
    order: Order, items: Sequence[Item], actor: Actor, at: datetime, *before: Happening
) -> dict[str, Any]:
    """Return the parameters of a sale; what happened `before` it is recorded with it."""
    after = {"status": order.status, "total_amount": str(order.total_amount)}
    happenings = [*before, Happening("order.pending", order.pk, None, after)]
    emds = [item.emd._asdict() | {"position": n} for n, item in enumerate(items, start=1) if item.emd]
    return {
        "order_id": order.pk,
        "agency_id": order.agency_id,
        "customer_id": order.customer_id,
        "currency": order.currency,
        "total_amount": order.total_amount,
        "payment_method": order.payment_method,
        "contact_email": order.contact_email,
        "products": json.dumps([{"product_id": key, "quantity": n} for key, n in pieces_of(items).items()]),
        "items": json.dumps([i._asdict() | {"position": n} for n, i in enumerate(items, start=1)], default=str),
        "emds": json.dumps(emds, default=str),
        "first_state": STATES[0].name,
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "events": json.dumps([vars(happening) for happening in happenings], default=str),
        "request_id": context.request_id.get(),
    }
