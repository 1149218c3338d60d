"""Products and their stock, orders and their items, executions, backups, and flights that are disrupted."""

from orders.models.backups import Backup
from orders.models.disruptions import DisruptedBooking, Disruption
from orders.models.executions import Execution, ExecutionEvent, arn_of
from orders.models.orders import Order, OrderItem, OrderQuerySet, OrderQuote
from orders.models.products import Product, ProductQuerySet
from orders.models.tallies import Tally

__all__ = [
    "Backup",
    "DisruptedBooking",
    "Disruption",
    "Execution",
    "ExecutionEvent",
    "Order",
    "OrderItem",
    "OrderQuerySet",
    "OrderQuote",
    "Product",
    "ProductQuerySet",
    "Tally",
    "arn_of",
]
