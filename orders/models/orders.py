"""Orders and their items, and quotes of what cancelling one gives back."""

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from bookings.models import Booking
from flights.models import Flight
from orders.models.products import Product
from partners.models import Agency
from skybridge.identifiers import uuid7
from skybridge.pagination import decode_cursor, encode_cursor
from skybridge.states import StateMachine, status_check
from ticketing.models import Coupon, Emd

UNDERWAY = (Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED, Coupon.Status.FLOWN)


class OrderQuerySet(models.QuerySet):
    def locked(self):
        """Lock the rows in the house's order; the lock ends with the transaction."""
        return self.order_by("pk").select_for_update(of=("self",))

    def live(self):
        """Keep the orders that are not deleted."""
        return self.filter(deleted_at=None)

    def visible_to(self, caller):
        """Keep what a caller may see: staff all, an agency its own, a traveller the own ones without an agency."""
        if caller.is_staff:
            return self.live()
        if caller.booking_id:
            return self.none()  # it may sell other people's bookings, too
        if caller.agency_id:
            return self.live().filter(agency_id=caller.agency_id)
        return self.live().filter(agency=None, customer_id=caller.user_id)

    def with_underway(self, at):
        """Tell of each whether a passenger has checked in, or a flight has left, with its bookings or products."""
        confirmed = Booking.objects.filter(order=OuterRef("pk"), status=Booking.Status.CONFIRMED)
        coupons = Q(tickets__coupons__status__in=UNDERWAY) | Q(
            tickets__coupons__status__in=Coupon.LIVE,
            tickets__coupons__flight__departs_at__lte=at,
            tickets__coupons__flight__status__in=(
                Flight.Status.SCHEDULED,
                Flight.Status.DELAYED,
                Flight.Status.DEPARTED,
            ),
        )
        emds = Emd.objects.filter(order_item__order=OuterRef("pk")).used(at)
        return self.annotate(is_underway=Exists(confirmed.filter(coupons)) | Exists(emds))

    def page(self, query: dict) -> tuple[list["Order"], str | None]:
        """Return a page, newest first, and the cursor of the next one. One statement."""
        rows = self.order_by("-pk")
        if cursor := query.get("cursor"):
            rows = rows.filter(pk__lt=decode_cursor(cursor, UUID)[0])
        found: list[Order] = list(rows[: query["limit"] + 1])  # type: ignore[arg-type]
        following = encode_cursor(found[-2].pk) if len(found) > query["limit"] else None
        return found[: query["limit"]], following


class Order(StateMachine):
    """The one record of a sale. Prices and taxes are fixed when it is made; what it costs is on its owner's account."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        FAILED = "failed"

    TRANSITIONS = {
        Status.PENDING: (Status.PROCESSING, Status.CANCELLED, Status.FAILED),
        Status.PROCESSING: (Status.SHIPPED, Status.CANCELLED, Status.FAILED),
        Status.SHIPPED: (Status.DELIVERED,),
        Status.FAILED: (Status.PROCESSING, Status.CANCELLED),
    }
    ACTIONS: ClassVar[dict[str, str]] = {
        Status.PROCESSING: "process",
        Status.SHIPPED: "ship",
        Status.DELIVERED: "deliver",
        Status.CANCELLED: "cancel",
        Status.FAILED: "fail",
    }
    DELETABLE = (Status.PENDING, Status.PROCESSING, Status.CANCELLED, Status.FAILED)

    class PaymentMethod(models.TextChoices):
        ACCOUNT = "account"  # on the owner's account, within its credit limit
        CARD = "card"  # charged through the payment provider

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="orders", db_index=False)
    customer_id = models.CharField(max_length=255, help_text="The traveller, or the agency's own customer.")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    currency = models.CharField(max_length=3)
    total_amount = models.DecimalField(max_digits=12, decimal_places=4, help_text="The sum of its items.")
    refunded_amount = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="Paid back, or not owed any more."
    )
    payment_method = models.CharField(max_length=7, choices=PaymentMethod, default=PaymentMethod.ACCOUNT)
    contact_email = models.EmailField(blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    lapses_at = models.DateTimeField(null=True, help_text="When a failed order gives back what it has taken.")
    deleted_at = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            status_check("order_status", "pending processing shipped delivered cancelled failed"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("total_amount")),
                name="order_refund_within_total",
            ),
        ]
        indexes = [
            models.Index(fields=["agency", "id"], name="order_by_agency", condition=Q(deleted_at=None)),
            models.Index(fields=["customer_id", "id"], name="order_by_customer", condition=Q(deleted_at=None)),
            models.Index(fields=["status", "id"], name="order_by_status", condition=Q(deleted_at=None)),
            models.Index(fields=["lapses_at"], name="order_lapsing", condition=Q(lapses_at__isnull=False)),
            models.Index(fields=["id"], name="order_deleted", condition=Q(deleted_at__isnull=False)),
            models.Index(
                OpClass(Lower("contact_email"), name="text_pattern_ops"),
                "id",
                name="order_by_email",
                condition=Q(deleted_at=None) & ~Q(contact_email=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def touched(self, at) -> dict:
        """Return the columns that every change of an order sets besides its own."""
        return {"version": self.version + 1, "updated_at": at}

    @property
    def available_actions(self) -> list[str]:
        """Return the actions that its status allows; nothing is undone once a passenger is under way."""
        actions = [self.ACTIONS[Order.Status(target)] for target in self.allowed_from(self.status)]
        if self.status in self.DELETABLE:
            actions.append("delete")
        is_kept = getattr(self, "is_underway", False)  # known where the order was read for showing it
        return [action for action in actions if not is_kept or action not in ("cancel", "fail", "delete")]


class OrderItem(models.Model):
    """One thing sold at the price of the moment: a product, or a booking. Its price never changes.

    What a change of a booking costs is an item of its own, `change`, with the fare difference and fee as its price.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 1.")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, related_name="order_items", db_index=False
    )
    is_change = models.BooleanField(default=False)
    description = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=12, decimal_places=4, help_text="Of one piece.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_item_once"),
            models.CheckConstraint(
                condition=Q(product__isnull=False, booking=None, is_change=False)
                | Q(product=None, booking__isnull=False, quantity=1),
                name="order_item_is_product_or_booking",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_item_has_quantity"),
        ]
        indexes = [models.Index(fields=["booking"], name="item_by_booking", condition=Q(booking__isnull=False))]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.description}"


class OrderQuote(models.Model):
    """What cancelling an order gives back, firm until it expires or something about the order changes.

    `lines` are a settlement's: signed, they add up to what goes back. Parts of a booking have `bookings.Quote`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="quotes")
    currency = models.CharField(max_length=3)
    refund_amount = models.DecimalField(max_digits=12, decimal_places=4)
    penalty_amount = models.DecimalField(max_digits=12, decimal_places=4)
    kept_amount = models.DecimalField(max_digits=12, decimal_places=4)
    lines = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    is_superseded = models.BooleanField(default=False, help_text="A newer quote of the order has taken its place.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(confirmed_at=None, is_superseded=False), name="one_open_quote_per_order"
            )
        ]

    def __str__(self) -> str:
        return f"cancellation of {self.order_id}"
