"""Selling: an order takes stock and bookings, is charged to an account, and its execution starts. All or nothing.

Locks are taken as everywhere: orders whose passengers get a product, bookings, products by primary key, the account
last.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone

from bookings.documents import BookingView, available_actions, read_bookings
from bookings.exceptions import BookingNotFound, HoldExpired
from bookings.models import has_run_out, status_at
from bookings.services import is_seen, put_on_order
from orders import backups
from orders.accounts import account_of, prepare_account
from orders.emds import EmdDraft, Owner, Tied, coupons_for, lock_orders_of
from orders.exceptions import BookingNotForSale, CurrencyMismatch, NotForPassengers, ProductNotFound
from orders.models import Order, Product
from orders.recording import Item, out_of_stock, write_order, write_whole_order
from orders.workflow import wake
from partners.callers import Caller
from partners.payments.services import start_payment
from skybridge.exceptions import InvalidInput
from skybridge.idempotency import Claim
from skybridge.identifiers import uuid7
from skybridge.sql import read_rows
from ticketing.models import Coupon

Answer = Callable[[Order], HttpResponse]
MOST = Decimal(10**8)  # what the columns have room for
COLUMNS = [str(field.column) for field in Product._meta.concrete_fields]
# How many ids there are is hidden from the planner, which would otherwise make a new plan at each call.
PRODUCTS = f"""
SELECT {", ".join(COLUMNS)} FROM orders_product
WHERE product_id = ANY ((SELECT %(ids)s::text[])::text[]) AND on_sale
"""


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
    def is_plain(self) -> bool:
        """Tell whether products on account are all that it is about."""
        return not (self.booking_ids or self.tied) and self.payment_method == Order.PaymentMethod.ACCOUNT

    @property
    def owner(self) -> Owner:
        return Owner(self.agency_id, self.customer_id, self.booking_ids)


def place_order(wanted: NewOrder, *, caller: Caller) -> Order:
    """Sell products and pending bookings on one order, and start its execution.

    Raises ProductNotFound, OutOfStock, BookingNotFound, HoldExpired, BookingNotForSale, CurrencyMismatch,
    CreditLimitExceeded, NotForPassengers, or as `coupons_for`; then nothing has changed.
    """
    if wanted.is_plain:
        return sell_products(wanted, caller=caller, answer=lambda order: order)
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


def sell_products(
    wanted: NewOrder, *, caller: Caller, answer: Callable[[Order], Any], claim: Claim | None = None
) -> Any:
    """Do what `place_order` does for an order that `is_plain`, and return the answer made of it.

    With a claim, the answer is kept under its key. One read and one statement. Raises ProductNotFound, OutOfStock,
    CurrencyMismatch, CreditLimitExceeded or StillRunning.
    """
    at = timezone.now()
    items = product_items(wanted, [])
    order = draft_order(wanted, items, at)
    response = answer(order)
    write_whole_order(order, items, actor=caller, claim=claim, answer=response, at=at)
    wake(order.pk)
    return response


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
    rows = read_rows(PRODUCTS, {"ids": list(pieces)})
    products = {row[0]: Product.from_db("default", COLUMNS, row) for row in rows}
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
    flights = ", ".join(flight.designator for flight in view.flights_in_order)
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
