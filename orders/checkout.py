"""Paying for held seats: what each passenger costs with the extras chosen, and the order of it all."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from bookings.documents import BookingView
from bookings.services import read_booking
from flights.offers import FlightFacts
from orders.emds import Tied
from orders.exceptions import BookingNotForSale, CurrencyMismatch
from orders.models import Order, Product
from orders.sales import NewOrder, check_for_sale, place_order, products_for_sale
from partners.callers import Caller
from skybridge.exceptions import InvalidInput
from ticketing.documents import TicketFacts

MOST_PIECES = 20


class Wanted(NamedTuple):
    """So many of a product, for a passenger (by position) on a flight (by sequence), or with zeros for nobody in
    particular."""

    product_id: str
    quantity: int
    position: int = 0
    sequence: int = 0


class Line(NamedTuple):
    """One extra: of `quantity` pieces."""

    product: Product
    quantity: int
    flight: FlightFacts | None

    @property
    def amount(self) -> Decimal:
        return self.product.price * self.quantity


class PassengerPrice(NamedTuple):
    """What one passenger costs; `taxes` are sums by code."""

    ticket: TicketFacts
    fare_amount: Decimal
    taxes: dict[str, Decimal]
    extras: list[Line]

    @property
    def total_amount(self) -> Decimal:
        return self.fare_amount + self.tax_amount + sum((line.amount for line in self.extras), Decimal(0))

    @property
    def tax_amount(self) -> Decimal:
        return sum(self.taxes.values(), Decimal(0))


@dataclass(frozen=True)
class Checkout:
    """A pending booking with the extras chosen, as it would be ordered now."""

    view: BookingView
    wanted: Sequence[Wanted]
    passengers: list[PassengerPrice]
    others: list[Line]

    @property
    def currency(self) -> str:
        return self.view.booking.currency

    @property
    def total_amount(self) -> Decimal:
        prices = [passenger.total_amount for passenger in self.passengers] + [line.amount for line in self.others]
        return sum(prices, Decimal(0))

    def order(self, payment_method: str, payment_token: str) -> NewOrder:
        booking = self.view.booking
        return NewOrder(
            booking.agency_id, booking.user_id,
            products=dict(Counter({wish.product_id: wish.quantity for wish in self.wanted if not wish.position})),
            booking_ids=[booking.id], payment_method=payment_method, payment_token=payment_token,
            contact_email=booking.contact_email,
            tied=[self.tied(wish) for wish in self.wanted if wish.position],
        )  # fmt: skip

    def tied(self, wish: Wanted) -> Tied:
        ticket, flight = place_of(self.view, wish)
        return Tied(wish.product_id, wish.quantity, ticket.id, flight.id)


def read_held(booking_id: UUID, *, caller: Caller, at: datetime) -> BookingView:
    """Return a booking that can be paid for now. One statement.

    Raises BookingNotFound, HoldExpired, or BookingNotForSale, with `order_id` if it is on an order already.
    """
    view = read_booking(booking_id, caller=caller)
    check_held(view, at)
    return view


def check_held(view: BookingView, at: datetime) -> None:
    """Refuse a booking that cannot be paid for now. Raises as `read_held`."""
    check_for_sale(view, NewOrder(view.booking.agency_id, view.booking.user_id, {}), at)
    if not view.tickets:
        raise BookingNotForSale("This booking has no flight yet; add one first.", booking_status=view.booking.status)


def read_checkout(booking_id: UUID, wanted: Sequence[Wanted], *, caller: Caller, at: datetime) -> Checkout:
    """Return what a booking costs with extras. At most two statements.

    Raises as `read_held`, ProductNotFound, OutOfStock, CurrencyMismatch, or InvalidInput for an extra of nobody.
    """
    view = read_held(booking_id, caller=caller, at=at)
    products = products_wanted(view, wanted)
    passengers = [
        priced(view, ticket, coupons, lines_of(view, wanted, products, place))
        for place, (ticket, coupons) in enumerate(view.tickets, start=1)
    ]
    return Checkout(view, wanted, passengers, lines_of(view, wanted, products, 0))


def products_wanted(view: BookingView, wanted: Iterable[Wanted]) -> dict[str, Product]:
    """Return the products that are wanted for a booking, by id. One statement. Raises as `read_checkout`."""
    pieces: Counter[str] = Counter()
    for wish in wanted:
        if not 1 <= wish.quantity <= MOST_PIECES:
            raise InvalidInput(f"At most {MOST_PIECES} pieces of an extra.")
        if wish.position:
            place_of(view, wish)
        pieces[wish.product_id] += wish.quantity
    products = products_for_sale(pieces)
    if any(product.currency != view.booking.currency for product in products.values()):
        raise CurrencyMismatch
    return products


def place_of(view: BookingView, wish: Wanted) -> tuple[TicketFacts, FlightFacts]:
    """Return for which passenger on which flight an extra is wanted. Raises InvalidInput where there is none."""
    if 1 <= wish.position <= len(view.tickets):
        ticket, coupons = view.tickets[wish.position - 1]
        for coupon in coupons:
            if coupon.sequence == wish.sequence and coupon.flight_id:
                return ticket, view.flights[coupon.flight_id]
    raise InvalidInput("An extra is for a passenger or flight that the booking does not have.")


def lines_of(view: BookingView, wanted: Iterable[Wanted], products: dict[str, Product], position: int) -> list[Line]:
    return [
        Line(products[wish.product_id], wish.quantity, place_of(view, wish)[1] if position else None)
        for wish in wanted
        if wish.position == position
    ]


def priced(view: BookingView, ticket: TicketFacts, coupons: Sequence, extras: list[Line]) -> PassengerPrice:
    taxes: dict[str, Decimal] = {}
    for coupon in coupons:
        for tax in coupon.taxes:
            taxes[tax["code"]] = taxes.get(tax["code"], Decimal(0)) + Decimal(tax["amount"])
    return PassengerPrice(ticket, sum((k.fare_amount for k in coupons), Decimal(0)), taxes, extras)


def extras_for_sale(currency: str) -> list[Product]:
    """Return what can be sold beside flights in a currency, by category. Seats are sold on their map. One statement."""
    found = Product.objects.filter(on_sale=True, stock__gt=0, currency=currency).exclude(category=Product.Category.SEAT)
    order = list(Product.Category)
    return sorted(found, key=lambda product: (order.index(Product.Category(product.category)), product.pk))


def pay(checkout: Checkout, payment_method: str, payment_token: str, *, caller: Caller) -> Order:
    """Order a booking with its extras. Raises as `place_order`."""
    return place_order(checkout.order(payment_method, payment_token), caller=caller)
