"""What an agency looks at on its own pages: its day, its holds, its orders and what has become of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Prefetch, Sum

from bookings.models import Booking
from orders.disruption.finding import Concerned, count_concerned
from orders.executions import find_execution
from orders.models import Execution, Order, OrderQuote
from orders.quotes import read_quote
from orders.services import read_order
from partners.callers import Caller
from partners.models import Account
from skybridge.identifiers import first_id
from skybridge.times import day_start

SHOWN = 8
PAGE = 25


class DaySum(NamedTuple):
    currency: str
    orders: int
    amount: Decimal


class Overview(NamedTuple):
    """The day so far (UTC), what needs somebody, and what is owed."""

    bookings: int
    sums: Sequence[DaySum]
    holds: Sequence[Booking]
    failed: Sequence[Order]
    accounts: Sequence[Account]
    disrupted: Concerned


def read_overview(*, caller: Caller, at: datetime) -> Overview:
    """Return an agency's overview. Eight statements; they cost with what is sold in a day and open at the moment."""
    today = {"pk__gte": first_id(day_start(at.date()))}
    bookings, orders = Booking.objects.visible_to(caller), Order.objects.visible_to(caller)
    sums = (
        orders.filter(**today).values_list("currency").annotate(Count("pk"), Sum("total_amount")).order_by("currency")
    )
    holds = bookings.filter(status=Booking.Status.PENDING, order=None, expires_at__gt=at).order_by("expires_at")
    failed = orders.filter(status=Order.Status.FAILED).select_related("execution").order_by("-pk")
    failed = failed.prefetch_related(named_bookings())
    accounts = Account.objects.filter(agency=caller.agency_id).order_by("currency")
    return Overview(
        bookings.filter(**today).count(),
        [DaySum(*row) for row in sums],
        list(holds[:SHOWN]),
        list(failed[:SHOWN]),
        list(accounts),
        count_concerned(caller=caller, at=at),
    )


def named_bookings() -> Prefetch:
    return Prefetch("bookings", Booking.objects.only("pk", "locator", "order_id").order_by("pk"))


def order_page(status: str, cursor: str, *, caller: Caller) -> tuple[list[Order], str | None]:
    """Return a page of an agency's orders, newest first, with bookings and executions. Two statements."""
    found = Order.objects.visible_to(caller).select_related("execution")
    found = found.prefetch_related(named_bookings())
    return (found.filter(status=status) if status else found).page({"cursor": cursor, "limit": PAGE})


def locators_of(order_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return by which booking orders are known, their first one. One statement."""
    rows = Booking.objects.filter(order_id__in=order_ids).order_by("-pk").values_list("order_id", "locator")
    return dict(rows)


class OrderView(NamedTuple):
    """An order as its page has it; the quote is the one that the address names."""

    order: Order
    execution: Execution
    bookings: Sequence[Booking]
    quote: OrderQuote | None


def read_order_view(order_id: UUID, quote_id: UUID | None, *, caller: Caller) -> OrderView:
    """Return an order that the caller may see. Five statements at most. Raises OrderNotFound or OrderQuoteNotFound."""
    order = read_order(order_id, caller=caller)
    quote = read_quote(order_id, quote_id, caller=caller) if quote_id else None
    bookings = list(Booking.objects.visible_to(caller).filter(order=order).order_by("pk"))
    return OrderView(order, find_execution(str(order_id), caller=caller), bookings, quote)
