"""Bookings: reservations of seats on flights, made by an agency, an agent or a traveller."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from partners.models import Agency
from skybridge.identifiers import uuid7
from skybridge.pagination import decode_cursor, encode_cursor
from skybridge.states import StateMachine, status_check

HAS_PHONE = ~models.Q(contact_phone="")


class BookingQuerySet(models.QuerySet):
    def locked(self):
        """Lock the rows in the house's order; the lock ends with the transaction."""
        return self.order_by("pk").select_for_update(of=("self",))

    def visible_to(self, caller):
        """Keep what a caller may see: staff all, an agency its own, a traveller the own ones without an agency."""
        if caller.is_staff:
            return self
        if caller.booking_id:
            return self.filter(pk=caller.booking_id)
        if caller.agency_id:
            return self.filter(agency_id=caller.agency_id)
        return self.filter(agency=None, user_id=caller.user_id)

    def overdue(self, at):
        """Keep pending bookings whose deadline has passed: canceled already, though nobody has swept them.

        One that an order sells is the order's to release.
        """
        return self.filter(status=Booking.Status.PENDING, expires_at__lte=at, order=None)

    def with_status(self, status: str, at):
        """Keep the bookings that have a status at a moment.

        The statement names it, so that PostgreSQL plans for this one: for any of them it would not use the indexes of
        rare ones, and read all bookings for a few.
        """
        has_status = models.Q(status=RawSQL(f"'{Booking.Status(status)}'", ()))
        overdue = models.Q(status=Booking.Status.PENDING, expires_at__lte=at)
        return self.filter(has_status | overdue if status == Booking.Status.CANCELED else has_status & ~overdue)

    def with_phone(self, digits: str):
        """Keep the bookings whose contact has this number (see `bookings/contacts.py`), which is not blank."""
        return self.filter(HAS_PHONE, contact_phone=digits)  # PostgreSQL takes the index only where it sees HAS_PHONE

    def on_flight(self, flight_id):
        return self.filter(tickets__coupons__flight_id=flight_id).distinct()

    def matching(self, query: dict, at):
        """Keep what a list's query parameters ask for."""
        columns = {"user_id": "user_id", "created_after": "created_at__gte", "created_before": "created_at__lt"}
        found = self.filter(**{column: query[name] for name, column in columns.items() if name in query})
        if "record_locator" in query:
            found = found.filter(locator=query["record_locator"].upper())
        if "event_id" in query:
            found = found.filter(pk__in=Booking.objects.on_flight(query["event_id"]).values("pk"))
        return found.with_status(query["status"], at) if "status" in query else found

    def page(self, query: dict) -> tuple[list[UUID], str | None]:
        """Return the ids of a page, newest first, and the cursor of the next one. One statement."""
        rows = self.order_by("-pk").values_list("pk", flat=True)
        if cursor := query.get("cursor"):
            rows = rows.filter(pk__lt=decode_cursor(cursor, UUID)[0])
        ids = list(rows[: query["limit"] + 1])
        following = encode_cursor(ids[-2]) if len(ids) > query["limit"] else None
        return ids[: query["limit"]], following


class Booking(StateMachine):
    class Status(models.TextChoices):
        CREATED = "created"
        PENDING = "pending"
        CONFIRMED = "confirmed"
        CANCELED = "canceled"
        REFUNDED = "refunded"

    TRANSITIONS = {
        Status.CREATED: (Status.PENDING, Status.CANCELED),
        Status.PENDING: (Status.CONFIRMED, Status.CANCELED),
        Status.CONFIRMED: (Status.CANCELED, Status.REFUNDED),
    }
    ACTIONS: ClassVar[dict[str, str]] = {
        Status.CONFIRMED: "confirm",
        Status.CANCELED: "cancel",
        Status.REFUNDED: "refund",
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    locator = models.CharField("record locator", max_length=6)
    status = models.CharField(max_length=9, choices=Status, default=Status.CREATED)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="bookings", db_index=False)
    user_id = models.CharField(max_length=255, blank=True, help_text="The traveller, or the agency's own customer.")
    contact_email = models.EmailField(blank=True, db_default="")
    contact_phone = models.CharField(
        max_length=15, blank=True, db_default="", help_text="Digits with country code, without plus (E.164)."
    )
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        related_name="bookings",
        db_index=False,
        help_text="The one order that sells it; given once and for good.",
    )
    seats = models.PositiveSmallIntegerField(default=0, help_text="Seats on each of its flights.")
    expires_at = models.DateTimeField(null=True, help_text="The deadline of a pending booking.")
    currency = models.CharField(max_length=3, blank=True)
    total_amount = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = BookingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["locator"], name="booking_locator"),
            models.CheckConstraint(
                condition=~models.Q(status="pending") | models.Q(expires_at__isnull=False),
                name="pending_has_deadline",
            ),
            status_check("booking_status", "created pending confirmed canceled refunded"),
        ]
        indexes = [
            models.Index(fields=["agency", "id"], name="booking_by_agency"),
            models.Index(fields=["user_id", "id"], name="booking_by_user"),
            models.Index(fields=["order"], name="booking_by_order", condition=models.Q(order__isnull=False)),
            models.Index(fields=["expires_at"], name="booking_pending", condition=models.Q(status="pending")),
            models.Index(
                fields=["status", "id"], name="booking_rare", condition=models.Q(status__in=["created", "refunded"])
            ),
            models.Index(fields=["contact_phone", "id"], name="booking_by_phone", condition=HAS_PHONE),
            models.Index(fields=["agency", "contact_phone", "id"], name="booking_by_agency_phone", condition=HAS_PHONE),
            models.Index(
                OpClass(Lower("contact_email"), name="text_pattern_ops"),
                "id",
                name="booking_by_email",
                condition=~models.Q(contact_email=""),
            ),
        ]

    def __str__(self) -> str:
        return self.locator

    @classmethod
    def actions_from(cls, status: str) -> list[str]:
        return [cls.ACTIONS[target] for target in cls.TRANSITIONS.get(status, ()) if target in cls.ACTIONS]

    @staticmethod
    def hold_deadline(at):
        return at + settings.HOLD_DURATION

    def touched(self, at) -> dict:
        """Return the columns that every change of a booking sets besides its own."""
        return {"version": self.version + 1, "updated_at": at}


def status_at(booking, at) -> str:
    """Return a booking's status at a moment; a hold is canceled at its deadline, whether or not it has been swept."""
    overdue = booking.status == Booking.Status.PENDING and booking.expires_at <= at
    return Booking.Status.CANCELED if overdue else booking.status


def has_run_out(booking, at) -> bool:
    """Tell whether its deadline has ended a booking, swept or not."""
    swept = (
        booking.status == Booking.Status.CANCELED and booking.expires_at and booking.expires_at <= booking.updated_at
    )
    return bool(swept) or status_at(booking, at) != booking.status


class Quote(models.Model):
    """What a cancellation or change of a booking costs, firm until it expires or the booking changes.

    `request` says what was asked, in a form that can be carried out again; `lines` are a settlement's, signed, and add
    up to `due_amount` less `refund_amount`, one of which is zero. `confirmed_by` is "kind:id" of the caller.
    """

    class Kind(models.TextChoices):
        CANCELLATION = "cancellation"
        CHANGE = "change"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="quotes")
    kind = models.CharField(max_length=12, choices=Kind)
    request = models.JSONField()
    booking_version = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    due_amount = models.DecimalField(max_digits=12, decimal_places=4)
    refund_amount = models.DecimalField(max_digits=12, decimal_places=4)
    penalty_amount = models.DecimalField(max_digits=12, decimal_places=4)
    kept_amount = models.DecimalField(max_digits=12, decimal_places=4)
    lines = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=300, blank=True)
    is_superseded = models.BooleanField(default=False, help_text="A newer quote of the booking has taken its place.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=models.Q(confirmed_at=None, is_superseded=False),
                name="one_open_quote_per_booking",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["cancellation", "change"]), name="quote_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.booking_id}"
