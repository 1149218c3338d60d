"""Selling: an order takes stock and bookings, is charged to an account, and its execution starts. All or nothing.

Locks are taken as everywhere: bookings, products in primary key order, the account last.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bookings.documents import BookingView, available_actions, read_bookings
from bookings.exceptions import BookingNotFound, HoldExpired
from bookings.models import has_run_out, status_at
from bookings.services import put_on_order
from orders import backups
from orders.accounts import account_of, post_sale, prepare_account
from orders.exceptions import BookingNotForSale, CurrencyMismatch, OutOfStock, ProductNotFound
from orders.models import Order, Product
from orders.workflow import STATES, wake
from partners.callers import Caller
from partners.payments.services import start_payment
from skybridge import context
from skybridge.events import Actor
from skybridge.exceptions import InvalidInput
from skybridge.identifiers import uuid7

MOST = Decimal(10**8)  # what the columns have room for


@dataclass(frozen=True)
class NewOrder:
    """What somebody orders, and whose the order will be. `products` maps product ids to quantities."""

    agency_id: UUID | None
    customer_id: str
    products: Mapping[str, int]
    booking_ids: Sequence[UUID] = ()
    payment_method: str = Order.PaymentMethod.ACCOUNT
    payment_token: str = ""
    contact_email: str = ""


class Item(NamedTuple):
    """An item to be: `price` is of one piece, `taxes` the part of the whole item that is tax."""

    product_id: str | None
    booking_id: UUID | None
    description: str
    quantity: int
    price: Decimal
    currency: str
    taxes: Decimal = Decimal(0)

    @property
    def total_amount(self) -> Decimal:
        return self.price * self.quantity


WRITE = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(products)s::jsonb) AS w (product_id text, quantity int)
), locked AS MATERIALIZED (
    SELECT p.product_id, w.quantity FROM orders_product p JOIN wanted w ON w.product_id = p.product_id
    ORDER BY p.product_id FOR UPDATE OF p
), taken AS (
    UPDATE orders_product p SET stock = p.stock - l.quantity
    FROM locked l WHERE p.product_id = l.product_id AND p.stock >= l.quantity AND p.on_sale
    RETURNING p.product_id
), enough AS (
    SELECT 1 WHERE (SELECT count(*) FROM taken) = (SELECT count(*) FROM wanted)
), sold AS (
    INSERT INTO orders_order (id, agency_id, customer_id, status, currency, total_amount, refunded_amount,
        payment_method, contact_email, version, created_at, updated_at)
    SELECT %(order_id)s::uuid, %(agency_id)s::uuid, %(customer_id)s, 'pending', %(currency)s,
        %(total_amount)s::numeric, 0, %(payment_method)s, %(contact_email)s, 1, %(at)s::timestamptz,
        %(at)s::timestamptz
    FROM enough
), items AS (
    INSERT INTO orders_orderitem (order_id, position, product_id, booking_id, is_change, description, quantity, price)
    SELECT %(order_id)s::uuid, i.position, i.product_id, i.booking_id, false, i.description, i.quantity, i.price
    FROM enough, jsonb_to_recordset(%(items)s::jsonb) AS i (position int, product_id text, booking_id uuid,
        description text, quantity int, price numeric)
), execution AS (
    INSERT INTO orders_execution (order_id, status, state, attempt, losses, due_at, error, cause, redrive_count,
        last_event_id, started_at)
    SELECT %(order_id)s::uuid, 'RUNNING', %(first_state)s, 0, 0, %(at)s::timestamptz, '', '', 0, 1,
        %(at)s::timestamptz
    FROM enough
), history AS (
    INSERT INTO orders_executionevent (execution_id, event_id, type, at, state, details)
    SELECT %(order_id)s::uuid, 1, 'ExecutionStarted', %(at)s::timestamptz, '', '{}' FROM enough
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'order.pending', %(order_id)s::uuid, NULL,
        %(after)s::jsonb, '', %(request_id)s
    FROM enough
)
SELECT count(*) FROM enough
"""


def place_order(wanted: NewOrder, *, caller: Caller) -> Order:
    """Sell products and pending bookings on one order, and start its execution.

    Raises ProductNotFound, OutOfStock, BookingNotFound, HoldExpired, BookingNotForSale, CurrencyMismatch or
    CreditLimitExceeded; then nothing has changed.
    """
    at = timezone.now()
    views = bookings_for_sale(wanted, caller, at)
    items = [*product_items(wanted.products), *map(booking_item, views)]
    order = draft_order(wanted, items, at)
    with transaction.atomic():
        prepare_account(order)
        if views:
            put_on_order(views, order.pk, until=hold_deadline(at), at=at)
        write_order(order, items, actor=caller, at=at)
        if order.payment_method == Order.PaymentMethod.CARD and order.total_amount:
            start_payment(
                order_id=order.pk, account=account_of(order), amount=order.total_amount, currency=order.currency,
                token=wanted.payment_token, actor=caller, at=at,
            )  # fmt: skip
        backups.keep(order.pk, at=at)
        wake(order.pk)
    return order


def hold_deadline(at: datetime) -> datetime:
    """Return until when an order keeps its bookings' seats: longer than it can be processed or stand still."""
    return at + settings.EXECUTION_TIMEOUT + settings.FAILED_ORDER_LIFETIME + settings.HOLD_DURATION


def product_items(wanted: Mapping[str, int]) -> list[Item]:
    """Return the items of products at today's prices. One statement. Raises ProductNotFound or OutOfStock."""
    if not wanted:
        return []
    products = Product.objects.filter(on_sale=True).in_bulk(wanted)
    missing = [product_id for product_id in wanted if product_id not in products]
    if missing:
        raise product_not_found(missing)
    short = [product for product_id, product in products.items() if product.stock < wanted[product_id]]
    if short:
        raise out_of_stock(short)
    return [
        Item(product_id, None, product.name, wanted[product_id], product.price, product.currency)
        for product_id, product in sorted(products.items())
    ]


def product_not_found(missing: Sequence[str]) -> ProductNotFound:
    messages = [f"Product {product_id} not found" for product_id in missing]
    errors = [{"pointer": "/items", "code": ProductNotFound.code, "message": message} for message in messages]
    return ProductNotFound(messages[0], errors=errors)


def out_of_stock(short: Iterable[Product]) -> OutOfStock:
    stock = {product.product_id: product.stock for product in short}
    listed = ", ".join(f"{product_id} ({left} left)" for product_id, left in stock.items())
    return OutOfStock(f"Not enough stock: {listed}.", stock=stock)


def bookings_for_sale(wanted: NewOrder, caller: Caller, at: datetime) -> list[BookingView]:
    """Return the bookings that an order is to sell. One statement."""
    views = read_bookings(wanted.booking_ids) if wanted.booking_ids else []
    seen = [view for view in views if caller.sees(view.booking.agency_id, view.booking.user_id)]
    if len(seen) < len(wanted.booking_ids):
        raise BookingNotFound
    for view in seen:
        check_for_sale(view, wanted, at)
    return seen


def check_for_sale(view: BookingView, wanted: NewOrder, at: datetime) -> None:
    status = status_at(view.booking, at)
    owner = (view.booking.agency_id, view.booking.agency_id is None and view.booking.user_id)
    if owner != (wanted.agency_id, wanted.agency_id is None and wanted.customer_id):
        raise BookingNotForSale(f"Booking {view.booking.id} belongs to somebody else than the order.")
    if has_run_out(view.booking, at):
        raise HoldExpired(booking_status=status)
    if view.booking.order_id:
        raise BookingNotForSale(f"Booking {view.booking.id} is on an order already.", order_id=view.booking.order_id)
    if "confirm" not in available_actions(view, at):
        message = f"Booking {view.booking.id} is {status} and cannot be sold; only pending bookings can."
        raise BookingNotForSale(message, booking_status=status)


def booking_item(view: BookingView) -> Item:
    booking = view.booking
    flights = ", ".join(sorted(flight.designator for flight in view.flights.values()))
    taxes = [Decimal(tax["amount"]) for _, coupons in view.tickets for coupon in coupons for tax in coupon.taxes]
    description = f"Booking {booking.locator} {flights}".strip()
    return Item(
        None, booking.id, description, 1, booking.total_amount, booking.currency or settings.CURRENCY,
        sum(taxes, Decimal(0)),
    )  # fmt: skip


def draft_order(wanted: NewOrder, items: Sequence[Item], at: datetime) -> Order:
    """Return the order as it will stand; nothing is written yet. Raises CurrencyMismatch, or InvalidInput."""
    if len({item.currency for item in items}) > 1:
        raise CurrencyMismatch
    total = sum((item.total_amount for item in items), Decimal(0))
    if total >= MOST:
        message = f"An order costs less than {MOST:,}."
        raise InvalidInput(message, errors=[{"pointer": "/items", "code": "max_value", "message": message}])
    return Order(
        id=uuid7(),
        agency_id=wanted.agency_id,
        customer_id=wanted.customer_id,
        currency=items[0].currency,
        total_amount=total,
        payment_method=wanted.payment_method,
        contact_email=wanted.contact_email,
        created_at=at,
        updated_at=at,
    )


def write_order(order: Order, items: Sequence[Item], *, actor: Actor, at: datetime) -> None:
    """Take the stock, write the order with its execution, and charge the account. Two statements.

    Raises OutOfStock or CreditLimitExceeded; the caller's transaction rolls back.
    """
    with connection.cursor() as cursor:
        cursor.execute(WRITE, order_parameters(order, items, actor, at))
        [enough] = cursor.fetchone()
    if not enough:
        wanted = {item.product_id: item.quantity for item in items if item.product_id}
        short = [p for p in Product.objects.filter(pk__in=wanted) if p.stock < wanted[p.pk] or not p.on_sale]
        raise out_of_stock(short)
    post_sale(order, sum((item.taxes for item in items), Decimal(0)), at=at)


def order_parameters(order: Order, items: Sequence[Item], actor: Actor, at: datetime) -> dict:
    products = [item for item in items if item.product_id]
    return {
        "order_id": order.pk,
        "agency_id": order.agency_id,
        "customer_id": order.customer_id,
        "currency": order.currency,
        "total_amount": order.total_amount,
        "payment_method": order.payment_method,
        "contact_email": order.contact_email,
        "products": json.dumps([{"product_id": i.product_id, "quantity": i.quantity} for i in products]),
        "items": json.dumps([i._asdict() | {"position": n} for n, i in enumerate(items, start=1)], default=str),
        "first_state": STATES[0].name,
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "after": json.dumps({"status": order.status, "total_amount": str(order.total_amount)}),
        "request_id": context.request_id.get(),
    }
