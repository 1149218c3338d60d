"""Products and their stock, orders and their items, the executions that process them, and their backups."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.functional import cached_property

from bookings.documents import UNDERWAY
from bookings.models import Booking
from partners.models import Agency
from skybridge.identifiers import uuid7
from skybridge.money import rounded
from skybridge.pagination import decode_cursor, encode_cursor
from skybridge.states import StateMachine, status_check
from ticketing.models import Coupon


class ProductQuerySet(models.QuerySet):
    def for_sale(self, query: dict):
        """Keep what a list's query parameters ask for."""
        found = self.filter(on_sale=True)
        if "category" in query:
            found = found.filter(category=query["category"])
        if "in_stock" in query:
            found = found.filter(stock__gt=0) if query["in_stock"] else found.filter(stock=0)
        return found


class Product(models.Model):
    """Something sold beside flights: an ancillary such as a bag, or goods. Stock changes only by conditional UPDATE."""

    class Category(models.TextChoices):
        BAGGAGE = "baggage"
        SEAT = "seat"
        MEAL = "meal"
        LOUNGE = "lounge"
        SERVICE = "service"
        GOODS = "goods"

    product_id = models.CharField(max_length=50, primary_key=True)
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=8, choices=Category, default=Category.GOODS)
    price = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3, validators=[RegexValidator("^[A-Z]{3}$", "Three capital letters.")])
    stock = models.PositiveIntegerField(default=0, help_text="Pieces that can be sold.")
    on_sale = models.BooleanField(default=True)
    rfic = models.CharField(
        "reason for issuance code", max_length=1, blank=True, db_default="",
        help_text="A air transport, B surface, C baggage, D financial, E airport services, F goods, G on board, I own. "
        "Empty: no EMD is issued for it.",
    )  # fmt: skip
    rfisc = models.CharField("reason for issuance sub-code", max_length=3, blank=True, db_default="")

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative")]
        indexes = [models.Index(fields=["category", "product_id"], name="product_by_category")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.name}"

    def clean(self) -> None:
        """Refuse a price that its currency cannot have."""
        if self.price is not None and rounded(self.price, self.currency) != self.price:
            raise ValidationError({"price": f"{self.currency} has no such small parts."})


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
        if caller.agency_id:
            return self.live().filter(agency_id=caller.agency_id)
        return self.live().filter(agency=None, customer_id=caller.user_id)

    def with_underway(self, at):
        """Tell of each whether a passenger of a confirmed booking has checked in, or a flight has left."""
        confirmed = Booking.objects.filter(order=OuterRef("pk"), status=Booking.Status.CONFIRMED)
        coupons = Q(tickets__coupons__status__in=UNDERWAY) | Q(
            tickets__coupons__status__in=Coupon.LIVE, tickets__coupons__flight__departs_at__lte=at
        )
        return self.annotate(is_underway=Exists(confirmed.filter(coupons)))

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
        return [action for action in actions if not is_kept or action not in ("cancel", "delete")]


class OrderItem(models.Model):
    """One thing sold at the price of the moment: a product, or a booking. Its price never changes.

    What a change of a booking costs is an item of its own, `change`, with the fare difference and fee as its price.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 1.")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, related_name="order_items")
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


class Execution(StateMachine):
    """The processing of one order by the workflow (`orders/workflow.py`), in the words of AWS Step Functions.

    `due_at` is when something is to be done next; an attempt that is under way has `attempt_started_at`.
    """

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        SUCCEEDED = "SUCCEEDED"
        FAILED = "FAILED"
        TIMED_OUT = "TIMED_OUT"
        ABORTED = "ABORTED"

    TRANSITIONS = {
        Status.RUNNING: (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ABORTED),
        Status.FAILED: (Status.RUNNING,),  # redriven
        Status.TIMED_OUT: (Status.RUNNING,),
    }

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="execution")
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    state = models.CharField(max_length=40, help_text="The state that is next or under way, or was the last one.")
    attempt = models.PositiveIntegerField(default=0, help_text="Attempts at the state so far.")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Attempts at the state whose worker died.")
    attempt_started_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=100, blank=True)
    cause = models.TextField(blank=True)
    redrive_count = models.PositiveSmallIntegerField(default=0)
    redriven_at = models.DateTimeField(null=True)
    last_event_id = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [status_check("execution_status", "RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED")]
        indexes = [
            models.Index(fields=["due_at"], name="execution_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["attempt_started_at"],
                name="execution_under_way",
                condition=Q(attempt_started_at__isnull=False),
            ),
            models.Index(fields=["status", "order"], name="execution_by_status"),
        ]

    def __str__(self) -> str:
        return self.arn

    @cached_property
    def unwritten(self) -> list["ExecutionEvent"]:
        """The lines of its history that are written when it is written next."""
        return []

    @property
    def available_actions(self) -> list[str]:
        """Return `stop` or `redrive` where it succeeds now; what a cancelled order had done has been undone."""
        if self.status == Execution.Status.RUNNING:
            return ["stop"] if Order.Status.CANCELLED in Order.TRANSITIONS.get(self.order.status, ()) else []
        can_go_on = self.status in Execution.TRANSITIONS and self.order.status != Order.Status.CANCELLED
        return ["redrive"] if can_go_on else []

    @property
    def arn(self) -> str:
        return arn_of(self.pk)


def arn_of(order_id: UUID) -> str:
    """Return the ARN of an order's execution."""
    return f"{settings.EXECUTION_ARN_PREFIX}{order_id}"


class ExecutionEvent(models.Model):
    """One line of an execution's history, numbered from 1 without gaps. The database refuses UPDATE and DELETE."""

    pk = models.CompositePrimaryKey("execution_id", "event_id")
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="history", db_index=False)
    event_id = models.PositiveIntegerField()
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    state = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.event_id} {self.type} {self.state}"


class Backup(models.Model):
    """One version of a stream (an order, or an account's postings without one), kept here until the store has it.

    `document` is the version's content and goes when it is stored; each version names the SHA-256 of the one before.
    """

    class Kind(models.TextChoices):
        ORDER = "order"
        ACCOUNT = "account"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=7, choices=Kind)
    stream = models.CharField(max_length=300, help_text="The order's id, or the account's code.")
    version = models.PositiveIntegerField()
    taken_at = models.DateTimeField()
    document = models.JSONField(null=True)
    covers = models.JSONField(default=dict, help_text="The versions of its bookings, and how many rows it has.")
    key = models.CharField(max_length=400, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    stored_at = models.DateTimeField(null=True)
    store_version = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "stream", "version"], name="backup_once"),
            models.CheckConstraint(
                condition=Q(stored_at=None, document__isnull=False)
                | (Q(stored_at__isnull=False) & ~Q(sha256="") & ~Q(key="")),
                name="backup_is_here_or_stored",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="backup_not_stored", condition=Q(stored_at=None))]

    def __str__(self) -> str:
        return f"{self.stream} version {self.version}"
