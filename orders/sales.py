"""Selling: an order takes stock and bookings, is charged to an account, and its execution starts. All or nothing.

Locks are taken as everywhere: orders whose passengers get a product, bookings, products by primary key, the account
last.
"""

import json
from collections import Counter
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
from bookings.services import is_seen, put_on_order
from orders import backups
from orders.accounts import account_of, post_sale, prepare_account
from orders.emds import EmdDraft, Owner, Tied, coupons_for, lock_orders_of
from orders.exceptions import BookingNotForSale, CurrencyMismatch, NotForPassengers, OutOfStock, ProductNotFound
from orders.models import Order, Product
from orders.workflow import STATES, wake
from partners.callers import Caller
from partners.payments.services import start_payment
from skybridge import context
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange, InvalidInput
from skybridge.identifiers import uuid7
from ticketing.models import Coupon

MOST = Decimal(10**8)  # what the columns have room for


@dataclass(frozen=True)
class NewOrder:
    """What somebody orders, and whose the order will be. `products` maps product ids to quantities.

    Products in `tied` are for passengers.
    """

    agency_id: UUID | None
    customer_id: str
    products: Mapping[str, int]
    booking_ids: Sequence[UUID] = ()
    payment_method: str = Order.PaymentMethod.ACCOUNT
    payment_token: str = ""
    contact_email: str = ""
    tied: Sequence[Tied] = ()

    @property
    def owner(self) -> Owner:
        return Owner(self.agency_id, self.customer_id, self.booking_ids)


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


# The EMDs of items, as long as their coupons have the status that was read.
EMDS = """, emds AS (
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
    RETURNING id, position, product_id, description, quantity, price
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
){emds}
SELECT (SELECT count(*) FROM enough), {count}
"""
WRITE_PLAIN = WRITE.replace("{emds}", "").replace("{count}", "0")
WRITE_WITH_EMDS = WRITE.replace("{emds}", EMDS).replace("{count}", "(SELECT count(*) FROM emds)")


def place_order(wanted: NewOrder, *, caller: Caller) -> Order:
    """Sell products and pending bookings on one order, and start its execution.

    Raises ProductNotFound, OutOfStock, BookingNotFound, HoldExpired, BookingNotForSale, CurrencyMismatch,
    CreditLimitExceeded, NotForPassengers, or as `coupons_for`; then nothing has changed.
    """
    at = timezone.now()
    views = bookings_for_sale(wanted, caller, at)
    coupons = coupons_for(wanted.tied, wanted.owner, caller=caller, at=at) if wanted.tied else []
    items = [*product_items(wanted, coupons), *map(booking_item, views)]
    order = draft_order(wanted, items, at)
    with transaction.atomic():
        prepare_account(order)
        if coupons:
            lock_orders_of({coupon.ticket.booking_id for coupon in coupons})
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


def product_items(wanted: NewOrder, coupons: Sequence[Coupon]) -> list[Item]:
    """Return the items of products at today's prices, those for passengers last, each for one of the coupons.

    The same product twice for the same coupon is one item. One statement. Raises ProductNotFound, OutOfStock or
    NotForPassengers.
    """
    for_coupons: Counter[tuple[str, UUID]] = Counter()
    for wish, coupon in zip(wanted.tied, coupons, strict=True):
        for_coupons[wish.product_id, coupon.pk] += wish.quantity
    pieces = Counter(wanted.products)
    for (product_id, _), quantity in for_coupons.items():
        pieces[product_id] += quantity
    products = products_for_sale(pieces)
    by_id = {coupon.pk: coupon for coupon in coupons}
    return [
        *(new_item(products[product_id], quantity) for product_id, quantity in sorted(wanted.products.items())),
        *(
            new_item(products[product_id], quantity, by_id[coupon_id])
            for (product_id, coupon_id), quantity in for_coupons.items()
        ),
    ]


def products_for_sale(pieces: Mapping[str, int]) -> dict[str, Product]:
    """Return products by id. One statement. Raises ProductNotFound or OutOfStock."""
    if not pieces:
        return {}
    products = Product.objects.filter(on_sale=True).in_bulk(pieces)
    missing = [product_id for product_id in pieces if product_id not in products]
    if missing:
        raise product_not_found(missing)
    short = [product for product_id, product in products.items() if product.stock < pieces[product_id]]
    if short:
        raise out_of_stock(short)
    return products


def new_item(product: Product, quantity: int, coupon: Coupon | None = None) -> Item:
    """Return the item of a product, with an EMD if it is for a coupon. Raises NotForPassengers."""
    if coupon and not product.rfic:
        message = f"{product.name} ({product.pk}) is not sold to passengers; leave ticket_id out."
        raise NotForPassengers(
            message, errors=[{"pointer": "/items", "code": NotForPassengers.code, "message": message}]
        )
    emd = EmdDraft.of(coupon, product.rfic, product.rfisc) if coupon else None
    return Item(product.pk, None, product.name, quantity, product.price, product.currency, emd=emd)


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
    seen = [view for view in views if is_seen(view.booking, caller)]
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

    Raises OutOfStock, CreditLimitExceeded, or ConcurrentChange for a coupon that has moved; the caller's transaction
    rolls back.
    """
    emds = sum(item.emd is not None for item in items)
    with connection.cursor() as cursor:
        cursor.execute(WRITE_WITH_EMDS if emds else WRITE_PLAIN, order_parameters(order, items, actor, at))
        enough, written = cursor.fetchone()
    if not enough:
        wanted = pieces_of(items)
        short = [p for p in Product.objects.filter(pk__in=wanted) if p.stock < wanted[p.pk] or not p.on_sale]
        raise out_of_stock(short)
    if written < emds:
        raise ConcurrentChange
    post_sale(order, sum((item.taxes for item in items), Decimal(0)), at=at)


def pieces_of(items: Iterable[Item]) -> Counter[str]:
    """Return how many pieces of each product items have together."""
    pieces: Counter[str] = Counter()
    for item in items:
        if item.product_id:
            pieces[item.product_id] += item.quantity
    return pieces


def order_parameters(order: Order, items: Sequence[Item], actor: Actor, at: datetime) -> dict:
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
        "after": json.dumps({"status": order.status, "total_amount": str(order.total_amount)}),
        "request_id": context.request_id.get(),
    }
