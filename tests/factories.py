"""Small makers of rows for tests; each row is as the application itself would write it."""

from datetime import datetime, timedelta
from functools import cache
from itertools import count
from uuid import uuid4

from django.utils import timezone

from bookings.locators import draw_locator
from bookings.models import Booking
from flights.airports import airport_rows
from flights.fares import fare_for
from flights.localtime import zone
from flights.models import Airport, Carrier, Fare, Flight, FlightCabin
from orders.models import DisruptedBooking, Disruption, Execution, Order, OrderItem, Product
from partners.models import Payment, Refund
from ticketing.models import Bag, Coupon, Emd, Ticket

numbers = count(1000)


@cache
def known_airports() -> dict[str, dict]:
    return {row["iata"]: row for row in airport_rows()}


def airport(iata: str) -> Airport:
    """Make one airport as `load_airports` would write it: loading all of them takes half a second."""
    return Airport.objects.get_or_create(iata=iata, defaults=known_airports()[iata])[0]


def fare(origin: Airport, destination: Airport, cabin: str = "Y") -> Fare:
    new = fare_for(origin, destination, cabin, "X")
    same = {"origin": origin, "destination": destination, "cabin": cabin, "fare_basis": new.fare_basis}
    found = Fare.objects.filter(**same).first()
    if found is None:
        new.save()
    return found or new


def flight(
    origin: str = "JFK",
    destination: str = "LAX",
    *,
    carrier: str = "FL",
    number: int | None = None,
    departs_at: datetime | None = None,
    seats: dict[str, int] | int = 100,
    **fields,
) -> Flight:
    """Make a flight that departs in five days, with a cabin for each entry of `seats` (an int: economy)."""
    departs_at = departs_at or timezone.now() + timedelta(days=5)
    leaves, reaches = airport(origin), airport(destination)
    Carrier.objects.get_or_create(iata=carrier, defaults={"accounting_code": "999"})
    made = Flight.objects.create(
        carrier_id=carrier,
        flight_number=number or next(numbers),
        departure_date=departs_at.astimezone(zone(leaves.timezone)).date(),
        origin=leaves,
        destination=reaches,
        departs_at=departs_at,
        arrives_at=departs_at + timedelta(hours=6),
        **fields,
    )
    for cabin, capacity in (seats if isinstance(seats, dict) else {"Y": seats}).items():
        FlightCabin.objects.create(
            flight=made, cabin=cabin, capacity=capacity, free=capacity, fare=fare(leaves, reaches, cabin)
        )
    return made


def booking(status: str = Booking.Status.PENDING, **fields) -> Booking:
    """Make a booking without tickets; its deadline has not passed."""
    expires_at = timezone.now() + timedelta(minutes=20)
    return Booking.objects.create(status=status, locator=draw_locator(), **{"expires_at": expires_at, **fields})


def coupon(status: str = Coupon.Status.OPEN, **fields) -> Coupon:
    """Make a coupon of an open ticket, which costs nothing."""
    ticket = Ticket.objects.create(booking=booking(), position=1)
    amounts = {"currency": "USD", "fare_amount": 0, "total_amount": 0}
    return Coupon.objects.create(ticket=ticket, sequence=1, status=status, **{**amounts, **fields})


def emd(status: str = Emd.Status.OPEN) -> Emd:
    """Make an EMD, not issued, of a product that costs nothing, on an order of its own."""
    tied = coupon()
    product = Product.objects.get_or_create(product_id="BAG1", defaults={"price": 0, "currency": "USD", "rfic": "C"})[0]
    item = OrderItem.objects.create(order=order(), position=1, product=product, description="Bag", price=0)
    return Emd.objects.create(
        ticket=tied.ticket, coupon=tied, order_item=item, product_id="BAG1", type="A", rfic="C", description="Bag",
        currency="USD", amount=0, status=status,
    )  # fmt: skip


def bag(status: str = Bag.Status.CHECKED) -> Bag:
    return Bag.objects.create(coupon=coupon(), tag_number=f"0999{next(numbers):06}", weight_kg=20, status=status)


def order(status: str = Order.Status.PENDING) -> Order:
    """Make an order of nothing."""
    return Order.objects.create(status=status, customer_id="ada", currency="USD", total_amount=0)


def execution(status: str = Execution.Status.RUNNING) -> Execution:
    return Execution.objects.create(order=order(), status=status, state="TakePayment")


def payment(status: str = Payment.Status.PENDING) -> Payment:
    """Make a payment of 100 dollars for an order that is not there; nothing is posted."""
    return Payment.objects.create(
        status=status, order_id=uuid4(), account_id="cards:USD", provider="sandbox", token="tok_success", amount=100,
        currency="USD",
    )  # fmt: skip


def refund(status: str = Refund.Status.PENDING) -> Refund:
    return Refund.objects.create(status=status, payment=payment(Payment.Status.SUCCEEDED), amount=10)


def disrupted_booking(status: str = DisruptedBooking.Status.WAITING) -> DisruptedBooking:
    """Make a booking without tickets that a cancelled flight touches."""
    disruption = Disruption.objects.create(flight=flight(), kind=Disruption.Kind.CANCELLATION, before={}, after={})
    decide_by = timezone.now() + timedelta(hours=72)
    return DisruptedBooking.objects.create(disruption=disruption, booking=booking(), status=status, decide_by=decide_by)
