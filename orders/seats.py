"""Seats of passengers: what they cost, choosing, assigning, swapping and giving them up."""

from collections.abc import Mapping

from flights.seatmaps import SEAT_PRODUCTS
from orders.models import Product
from partners.callers import Caller
from ticketing.seats import SeatPrice

PRODUCT_IDS = {product for products in SEAT_PRODUCTS.values() for product in products.values()}


def seat_prices(caller: Caller | None = None) -> Mapping[str, SeatPrice]:
    """Return what the products cost that seats are sold as, by id; nothing costs staff anything. One statement.

    A seat whose product is not on sale is free.
    """
    if caller and caller.is_staff:
        return {}
    products = Product.objects.filter(pk__in=PRODUCT_IDS, on_sale=True)
    return {product.pk: SeatPrice(product.price, product.currency) for product in products}
