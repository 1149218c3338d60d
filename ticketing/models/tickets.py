"""Tickets, one per passenger, with one coupon per flight, and EMDs for what is sold to a passenger besides."""

from django.db import models
from django.utils import timezone

from flights.models import Cabin, Flight
from skybridge.identifiers import uuid7
from skybridge.states import StateMachine, status_check


class PassengerType(models.TextChoices):
    ADULT = "ADT", "Adult (12 and over)"
    CHILD = "CHD", "Child (2 to 11)"
    INFANT = "INF", "Infant on a lap (under 2)"
    INFANT_WITH_SEAT = "INS", "Infant with a seat (under 2)"


def takes_seat(passenger_type: str) -> bool:
    return passenger_type != PassengerType.INFANT


class Ticket(models.Model):
    """One passenger's document. It exists from the hold on; its 13-digit number comes when it is issued."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = models.ForeignKey("bookings.Booking", on_delete=models.PROTECT, related_name="tickets")
    position = models.PositiveSmallIntegerField(help_text="The passenger's place in the booking, from 1.")
    passenger_type = models.CharField(max_length=3, choices=PassengerType, default=PassengerType.ADULT)
    surname = models.CharField(max_length=60, blank=True)
    given_name = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=10, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    number = models.CharField(max_length=13, null=True)
    issued_at = models.DateTimeField(null=True)
    exchanged_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    is_superseded = models.BooleanField(default=False, help_text="Exchanged for another ticket, or its seat given up.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(number__isnull=False), name="ticket_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(number__isnull=True) | models.Q(number__regex=r"^\d{13}$"),
                name="ticket_number_13_digits",
            ),
        ]
        indexes = [
            models.Index(
                fields=["exchanged_from"],
                name="ticket_by_exchanged",
                condition=models.Q(exchanged_from__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.number or f"unissued {self.id}"


class CouponQuerySet(models.QuerySet):
    def live(self, booking_id):
        """Keep the coupons of a booking that can be used or have been."""
        return self.filter(ticket__booking_id=booking_id, status__in=Coupon.LIVE)


class Coupon(StateMachine):
    """A ticket's right to one flight. A live coupon of an issued ticket that takes a seat is a sold seat."""

    class Status(models.TextChoices):
        """IATA coupon status indicators."""

        OPEN = "O", "Open for use"
        CHECKED_IN = "C", "Checked in"
        LIFTED = "L", "Lifted/boarded"
        FLOWN = "F", "Flown/used"
        EXCHANGED = "E", "Exchanged/reissued"
        REFUNDED = "R", "Refunded"
        VOID = "V", "Void"

    TRANSITIONS = {
        Status.OPEN: (Status.CHECKED_IN, Status.EXCHANGED, Status.REFUNDED, Status.VOID),
        Status.CHECKED_IN: (Status.LIFTED, Status.OPEN),  # back to OPEN: offloaded
        Status.LIFTED: (Status.FLOWN, Status.CHECKED_IN),
    }
    LIVE = (Status.OPEN, Status.CHECKED_IN, Status.LIFTED, Status.FLOWN)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="coupons", db_index=False)
    sequence = models.PositiveSmallIntegerField(help_text="From 1, in order of travel.")
    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, null=True, related_name="coupons")
    cabin = models.CharField(max_length=1, choices=Cabin, default=Cabin.ECONOMY)
    status = models.CharField(max_length=1, choices=Status, default=Status.OPEN)
    takes_seat = models.BooleanField(default=True)
    fare_basis = models.CharField(max_length=15, blank=True)
    currency = models.CharField(max_length=3)
    fare_amount = models.DecimalField(max_digits=12, decimal_places=4)
    taxes = models.JSONField(default=list)
    total_amount = models.DecimalField(max_digits=12, decimal_places=4)
    fare_rules = models.JSONField(default=dict, db_default={}, help_text="The fare's rules as they were at the sale.")
    is_superseded = models.BooleanField(
        default=False, db_default=False, help_text="Given up while the rest of its ticket goes on."
    )
    seat = models.CharField(max_length=4, null=True, help_text="Such as 12A; it is nobody else's while this is live.")
    checked_in_at = models.DateTimeField(null=True)
    boarded_at = models.DateTimeField(null=True)
    is_no_show = models.BooleanField(default=False, db_default=False, help_text="The flight has left without them.")

    objects = CouponQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "sequence"], name="coupon_once"),
            status_check("coupon_status", "O C L F E R V"),
            models.UniqueConstraint(
                fields=["flight", "seat"],
                condition=models.Q(seat__isnull=False, status__in=("O", "C", "L", "F")),
                name="seat_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.sequence}"


class EmdQuerySet(models.QuerySet):
    def used(self, at):
        """Keep those whose passenger has checked in, and issued ones whose flight has left; cancelled ones never do."""
        under_way = (Emd.Status.CHECKED_IN, Emd.Status.LIFTED, Emd.Status.FLOWN)
        has_left = models.Q(status__in=Emd.LIVE, number__isnull=False, coupon__flight__departs_at__lte=at)
        stays = models.Q(coupon__flight__status=Flight.Status.CANCELLED)
        return self.filter(models.Q(status__in=under_way) | has_left & ~stays)


class Emd(StateMachine):
    """An electronic miscellaneous document: a product sold to one passenger.

    Associated (A) it belongs to a coupon, whose status it follows; standalone (S) it has none. It exists from the sale
    on; its 13-digit number comes when it is issued. Source: IATA Resolution 725f.
    """

    class Type(models.TextChoices):
        ASSOCIATED = "A", "Associated with a flight coupon"
        STANDALONE = "S", "Standalone"

    Status = Coupon.Status
    TRANSITIONS = Coupon.TRANSITIONS
    LIVE = Coupon.LIVE

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="emds")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, null=True, related_name="emds")
    order_item = models.OneToOneField("orders.OrderItem", on_delete=models.PROTECT, related_name="emd")
    product_id = models.CharField(max_length=50)
    type = models.CharField(max_length=1, choices=Type)
    rfic = models.CharField("reason for issuance code", max_length=1)
    rfisc = models.CharField("reason for issuance sub-code", max_length=3, blank=True)
    description = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=4, help_text="Of all pieces.")
    number = models.CharField(max_length=13, null=True)
    status = models.CharField(max_length=1, choices=Coupon.Status, default=Coupon.Status.OPEN)
    issued_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = EmdQuerySet.as_manager()

    class Meta:
        verbose_name = "EMD"
        constraints = [
            models.UniqueConstraint(fields=["number"], name="emd_number_once"),
            models.CheckConstraint(
                condition=models.Q(type="A", coupon__isnull=False) | models.Q(type="S", coupon=None),
                name="emd_associated_has_coupon",
            ),
            status_check("emd_status", "O C L F E R V"),
        ]

    def __str__(self) -> str:
        return self.number or f"unissued {self.id}"
