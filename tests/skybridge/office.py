"""A small airline with something in each list of the back office."""

from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.utils import timezone

from bookings.models import Booking, Quote
from orders.models import (
    Backup,
    DisruptedBooking,
    Disruption,
    Execution,
    ExecutionEvent,
    Order,
    OrderItem,
    OrderQuote,
    Product,
)
from partners.models import Account, Agency, Agent, ApiKey, LedgerEntry, Payment, Plan, Refund, Traveller
from skybridge.models import Event, IdempotencyKey
from tests import factories
from ticketing.models import Bag, BagTagSeries, BoardingPass, Coupon, Departure, Emd, Scan, Ticket, TravelDocument

MONEY = {"currency": "USD"}


def fill(rows: int, start: int = 0) -> None:
    """Add so many of each; rows that belong together lead to each other, so that a list has something to look up."""
    for n in range(start, start + rows):
        agency = add_partner(n)
        flight = factories.flight(carrier=f"X{n % 5}")
        order = add_order(n, agency)
        ticket = add_booking(n, agency, order, flight)
        add_departure_control(n, ticket, flight)
        add_money(order, agency)
        after = {"status": "confirmed"}
        Event.objects.create(
            actor_kind="agency", actor_id=str(agency.pk), door="api", action="booking.confirmed",
            subject_id=ticket.booking_id, before={"status": "pending"}, after=after,
        )  # fmt: skip
        IdempotencyKey.objects.create(caller=f"agency:{agency.pk}", key=str(n), fingerprint=b"", status=201, body=b"")


def add_partner(n: int) -> Agency:
    plan = Plan.objects.create(name=f"Plan {n}")
    agency = Agency.objects.create(name=f"Agency {n:03}", plan=plan)
    ApiKey.objects.create(agency=agency, prefix=f"sb_test_{n:04}", digest=uuid4().bytes * 2)
    Agent.objects.create(user=User.objects.create_user(f"agent-{n}"), agency=agency)
    Traveller.objects.create(user_id=f"traveller-{n}", issuer="https://issuer.test", subject=str(n))
    Group.objects.create(name=f"Group {n}")
    return agency


def add_order(n: int, agency: Agency) -> Order:
    order = Order.objects.create(agency=agency, customer_id=f"c-{n}", total_amount=100, **MONEY)
    product = Product.objects.create(product_id=f"BAG{n}", name=f"Bag {n}", price=20, stock=5, **MONEY)
    OrderItem.objects.create(order=order, position=1, product=product, description="Bag", price=20)
    quote = dict.fromkeys(("refund_amount", "penalty_amount", "kept_amount"), 0)
    OrderQuote.objects.create(order=order, lines=[], expires_at=timezone.now(), **quote, **MONEY)
    execution = Execution.objects.create(order=order, state="TakePayment")
    ExecutionEvent.objects.create(execution=execution, event_id=1, type="ExecutionStarted", at=timezone.now())
    Backup.objects.create(kind="order", stream=str(order.pk), version=1, taken_at=timezone.now(), document={})
    return order


def add_booking(n: int, agency: Agency, order: Order, flight) -> Ticket:
    booking = factories.booking(Booking.Status.CONFIRMED, agency=agency, order=order, seats=1, total_amount=80, **MONEY)
    item = OrderItem.objects.create(order=order, position=2, booking=booking, description="Flight", price=80)
    ticket = Ticket.objects.create(
        booking=booking, position=1, surname=f"Lovelace{n}", given_name="Ada", number=f"999{n:010}"
    )
    coupon = Coupon.objects.create(
        ticket=ticket, sequence=1, flight=flight, fare_amount=70, total_amount=80, seat=f"{n % 90 + 1}A", **MONEY
    )
    Emd.objects.create(
        ticket=ticket, coupon=coupon, order_item=item, product_id=f"BAG{n}", type="A", rfic="C", description="Bag",
        amount=20, number=f"998{n:010}", **MONEY,
    )  # fmt: skip
    amounts = dict.fromkeys(("due_amount", "refund_amount", "penalty_amount", "kept_amount"), 0)
    Quote.objects.create(
        booking=booking, kind="change", request={}, booking_version=1, lines=[], expires_at=timezone.now(), **amounts
    )
    return ticket


def add_departure_control(n: int, ticket: Ticket, flight) -> None:
    coupon = ticket.coupons.get()
    Departure.objects.create(flight=flight, last_sequence_number=1, gate="B4")
    BoardingPass.objects.create(
        coupon=coupon, flight=flight, sequence_number=1, seat="1A", barcode="M1", digest=uuid4().bytes * 2
    )
    Bag.objects.create(coupon=coupon, tag_number=f"0999{n:06}", weight_kg=20)
    BagTagSeries.objects.create(accounting_code=f"{n:03}")
    TravelDocument.objects.create(ticket=ticket, sealed="c2VhbGVk", masked=f"P •••••{n:03}")
    Scan.objects.create(
        kind="board",
        flight=flight,
        coupon=coupon,
        barcode="M1",
        scanned_at=timezone.now(),
        answer={},
        actor_kind="staff",
    )
    disruption = Disruption.objects.create(flight=flight, kind="delay", before={}, after={}, actor_kind="staff")
    DisruptedBooking.objects.create(
        disruption=disruption, booking=ticket.booking, decide_by=timezone.now() + timedelta(days=1)
    )


def add_money(order: Order, agency: Agency) -> None:
    """Add an account with a balanced posting, and a payment with a refund."""
    code = f"agency:{agency.pk}:USD"
    Account.objects.create(code=code, kind="agency", agency=agency, **MONEY)
    Account.objects.get_or_create(code="sales:USD", defaults={"kind": "sales", **MONEY})
    posting = {"posting_id": uuid4(), "at": timezone.now(), "kind": "sale", "order_id": order.pk, **MONEY}
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(account_id=code, amount=100, **posting),
            LedgerEntry(account_id="sales:USD", amount=-100, **posting),
        ]
    )
    payment = Payment.objects.create(
        status="succeeded", order_id=order.pk, account_id=code, provider="sandbox", token="tok_success", amount=100,
        refunded_amount=10, **MONEY,
    )  # fmt: skip
    Refund.objects.create(payment=payment, amount=10, status="succeeded")
