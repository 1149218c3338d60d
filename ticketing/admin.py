"""The back office of tickets, EMDs and departure control."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.utils import timezone

from flights.models import Flight
from skybridge import history
from skybridge.acts import ActsAdmin
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, facts
from skybridge.lists import MadeFilter, amount, badge, by_id, digits, exact, exported, link, status, status_badge
from ticketing.acts import COUPON_ACTS, PASS_ACTS, TICKET_ACTS
from ticketing.models import Bag, BagTagSeries, BoardingPass, Coupon, Departure, Emd, Scan, Ticket, TravelDocument

TO_BOOKING = link("booking", "bookings_booking", "ticket.booking_id", "ticket.booking.locator")
TO_TICKET = link("ticket", "ticketing_ticket", "ticket_id", "ticket")
TO_FLIGHT = link("to_flight", "flights_flight", "flight_id", "flight", "flight")
TO_COUPON = link("to_coupon", "ticketing_coupon", "coupon_id", "coupon.sequence", "coupon")
COUPONS_TICKET = link("ticket", "ticketing_ticket", "coupon.ticket_id", "coupon.ticket")
COUPONS_BOOKING = link("booking", "bookings_booking", "coupon.ticket.booking_id", "coupon.ticket.booking.locator")


def passenger_column(row) -> str:
    """Return the name on a ticket, or on the ticket of a coupon, EMD, bag or boarding pass."""
    ticket = row if isinstance(row, Ticket) else row.ticket if hasattr(row, "ticket_id") else row.coupon.ticket
    return f"{ticket.surname}/{ticket.given_name}".strip("/") or "unnamed"


def conflict_column(row) -> str:
    """Return a word where a device has decided otherwise, and nothing elsewhere."""
    return badge("conflict", "failed") if row.is_conflict else ""


conflict: Any = exported(admin.display(description="conflict")(conflict_column), lambda row: row.is_conflict)
passenger: Any = admin.display(description="passenger")(passenger_column)


class CouponInline(ReadOnlyInline):
    model = Coupon
    ordering = ("sequence",)
    fields = readonly_fields = (
        "sequence", TO_FLIGHT, "cabin", status, "seat", "checked_in_at", "boarded_at", "fare_basis",
        amount("total_amount"),
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("flight")


class EmdInline(ReadOnlyInline):
    model = Emd
    verbose_name_plural = "EMDs"
    fields = readonly_fields = ("number", "type", "description", "quantity", status, amount("amount"), "issued_at")


class BagInline(ReadOnlyInline):
    model = Bag
    fields = readonly_fields = ("tag_number", "weight_kg", status, "checked_at")


class BoardingPassInline(ReadOnlyInline):
    model = BoardingPass
    ordering = ("issued_at",)
    fields = readonly_fields = ("sequence_number", "seat", "issued_at", "ended_at", "end_reason")


@admin.register(Ticket)
class TicketAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = TICKET_ACTS
    list_display = (
        "__str__", link("booking", "bookings_booking", "booking_id", "booking.locator"), passenger, "passenger_type",
        "state", "issued_at",
    )  # fmt: skip
    list_select_related = ("booking",)
    list_filter = (MadeFilter,)
    search_help_text = "A ticket number, or the id of a ticket or booking. Names: the search box of every page."
    find_by = (exact("number", digits), by_id, exact("booking_id", UUID))
    ordering = ("-id",)
    fieldsets = facts(
        ("Passenger", ("surname", "given_name", "title", "passenger_type", "birth_date")),
        ("Sale", (
            list_display[1], "position", "issued_at",
            link("exchanged_from", "ticketing_ticket", "exchanged_from_id", "exchanged_from_id", "exchanged from"),
        )),
        ("Record", ("id", "created_at")),
    )  # fmt: skip
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (CouponInline, EmdInline)

    @admin.display(description="state")
    def state(self, ticket) -> str:
        return badge("replaced or given up" if ticket.is_superseded else "issued" if ticket.number else "held")

    def history_subjects(self, obj):
        """Add the ticket's coupons and EMDs."""
        coupons, emds = Coupon.objects.filter(ticket=obj), Emd.objects.filter(ticket=obj)
        return super().history_subjects(obj) | history.parts_of(
            ("coupon", coupons, "sequence"), ("EMD", emds, "number")
        )


@admin.register(Coupon)
class CouponAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = COUPON_ACTS
    list_display = (
        passenger, TO_FLIGHT, "seat", "cabin", status, TO_TICKET, "sequence", TO_BOOKING, amount("total_amount"),
    )  # fmt: skip
    list_select_related = ("ticket__booking", "flight")
    list_filter = (MadeFilter,)
    search_help_text = "A ticket number, or the id of a coupon, ticket or flight."
    find_by = (exact("ticket__number", digits), by_id, exact("ticket_id", UUID), exact("flight_id", UUID))
    ordering = ("-id",)
    fieldsets = facts(
        ("Journey", (passenger, TO_TICKET, TO_BOOKING, TO_FLIGHT, "cabin")),
        ("Departure", ("seat", "takes_seat", "checked_in_at", "boarded_at", "is_no_show")),
        ("Fare", ("fare_basis", amount("fare_amount"), amount("total_amount"), "is_superseded")),
        ("Rules", ("taxes", "fare_rules")),
    )
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (BoardingPassInline, BagInline, EmdInline)

    def called(self, obj) -> str:
        return f"{obj.sequence} of {obj.ticket.number or passenger_column(obj)}"

    def get_search_results(self, request, queryset, search_term):
        """Find by number through the ticket's index: a condition on both tables would ask neither's."""
        try:
            number = digits(search_term.strip())
        except ValueError:
            number = ""
        if len(number) == 13:
            return queryset.filter(ticket__number=number), False
        return super().get_search_results(request, queryset, search_term)

    def history_subjects(self, obj):
        """Add the coupon's bags and EMDs."""
        bags, emds = Bag.objects.filter(coupon=obj), Emd.objects.filter(coupon=obj)
        return super().history_subjects(obj) | history.parts_of(("bag", bags, "tag_number"), ("EMD", emds, "number"))


@admin.register(Emd)
class EmdAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__", TO_TICKET, TO_BOOKING, passenger, "type", "rfic", "description", "quantity", status,
        amount("amount"), "issued_at",
    )  # fmt: skip
    list_display_links = ("__str__",)
    list_select_related = ("ticket__booking",)
    list_filter = (MadeFilter,)
    search_help_text = "An EMD number, or the id of an EMD, ticket or coupon."
    find_by = (exact("number", digits), by_id, exact("ticket_id", UUID), exact("coupon_id", UUID))
    ordering = ("-id",)
    fieldsets = facts(
        ("Passenger", (passenger, TO_TICKET, TO_COUPON, TO_BOOKING)),
        ("Service", (
            "description", link("product", "orders_product", "product_id", "product_id"), "type", "rfic", "rfisc",
        )),
        ("Sale", ("quantity", amount("amount"), "issued_at")),
        ("Record", ("id", "created_at")),
    )  # fmt: skip
    readonly_fields = flatten_fieldsets(fieldsets)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("ticket__booking", "coupon")


@admin.register(Departure)
class DepartureAdmin(ReadOnlyAdmin):
    list_display = ("shown", "gate", "last_sequence_number", "state", "closed_at")
    list_select_related = ("flight",)
    search_help_text = "A flight's id."
    find_by = (by_id,)
    ordering = ("-flight_id",)
    fields = readonly_fields = (TO_FLIGHT, "gate", "last_sequence_number", "closed_at")

    def called(self, obj) -> str:
        return str(obj.flight)

    @admin.display(description="state")
    def state(self, departure) -> str:
        if departure.flight.status in (Flight.Status.CANCELLED, Flight.Status.DEPARTED):
            return status_badge(departure.flight)
        return badge("closed out", "stopped") if departure.closed_at else badge("open", "running")

    @admin.display(description="flight")
    def shown(self, departure) -> str:
        return str(departure.flight)


@admin.register(BoardingPass)
class BoardingPassAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = PASS_ACTS
    list_display = (
        passenger, TO_FLIGHT, "seat", "sequence_number", "state", COUPONS_BOOKING, "issued_at", "ended_at",
    )  # fmt: skip
    list_select_related = ("coupon__ticket__booking", "flight")
    list_filter = (MadeFilter,)
    search_help_text = "The id of a boarding pass or coupon."
    find_by = (by_id, exact("coupon_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        "sequence_number", "seat", passenger, COUPONS_BOOKING, COUPONS_TICKET, TO_COUPON, TO_FLIGHT, "issued_at",
        "ended_at",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("coupon__ticket__booking", "flight")

    @admin.display(description="state")
    def state(self, boarding_pass) -> str:
        """Say whether it is good; its bar code would let whoever copies it board, and is not shown."""
        ended = boarding_pass.end_reason or ("ended" if boarding_pass.ended_at else "")
        return badge(ended.replace("_", " "), "stopped") if ended else badge("good", "done")


@admin.register(Bag)
class BagAdmin(ReadOnlyAdmin):
    list_display = ("tag_number", passenger, COUPONS_BOOKING, "weight_kg", status, "checked_at")
    list_select_related = ("coupon__ticket__booking",)
    list_filter = (MadeFilter,)
    search_help_text = "The tag of a checked bag, or the id of a bag or coupon."
    find_by = (
        lambda text: exact("tag_number")(text) & exact("status")("checked") if text.isdecimal() else None,  # type: ignore[operator]
        by_id,
        exact("coupon_id", UUID),
    )
    ordering = ("-id",)
    fields = readonly_fields = (
        "tag_number", passenger, COUPONS_BOOKING, COUPONS_TICKET, TO_COUPON, "weight_kg", "checked_at",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("coupon__ticket__booking")


@admin.register(BagTagSeries)
class BagTagSeriesAdmin(ReadOnlyAdmin):
    list_display = ("accounting_code", "last_serial")
    ordering = ("accounting_code",)


class AttemptFilter(admin.SimpleListFilter):
    """Some of the last month's scans: of all that were ever made, the rare ones would be sought for long."""

    title = "the last 30 days'"
    parameter_name = "attempts"

    def lookups(self, request, model_admin):
        return [("conflict", "Conflicts"), ("board", "Boarding"), ("look", "Looks")]

    def queryset(self, request, queryset):
        if self.value() not in ("conflict", "board", "look"):
            return queryset
        since = UUID(int=int((timezone.now() - timedelta(days=30)).timestamp() * 1000) << 80)
        wanted = {"is_conflict": True} if self.value() == "conflict" else {"kind": self.value()}
        return queryset.filter(pk__gte=since, **wanted)


@admin.register(Scan)
class ScanAdmin(ReadOnlyAdmin):
    list_display = (
        "scanned_at", "kind", "outcome", TO_FLIGHT, conflict, "device_id", "actor_kind", "received_at",
    )  # fmt: skip
    list_select_related = ("flight",)
    list_filter = (AttemptFilter, MadeFilter)
    search_help_text = "The id of a scan, flight or coupon."
    find_by = (by_id, exact("flight_id", UUID), exact("coupon_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        "kind", TO_FLIGHT, TO_COUPON, conflict, "nonce", "device_id", "scanned_at", "received_at",
        "actor_kind", "actor_id",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).defer("barcode", "answer").select_related("flight", "coupon")

    @admin.display(description="outcome")
    def outcome(self, scan) -> str:
        return badge(scan.reason.replace("_", " "), "failed") if scan.reason else badge("accepted", "done")


@admin.register(TravelDocument)
class TravelDocumentAdmin(ReadOnlyAdmin):
    """Masked only: the sealed text never leaves the database."""

    list_display = ("masked", TO_TICKET, TO_BOOKING, passenger, "updated_at")
    list_display_links = ("masked",)
    search_help_text = "A ticket number or id."
    find_by = (by_id, exact("ticket__number", digits))
    ordering = ("-ticket_id",)
    fields = readonly_fields = ("masked", TO_TICKET, TO_BOOKING, passenger, "updated_at")

    def get_queryset(self, request):
        return super().get_queryset(request).defer("sealed").select_related("ticket__booking")
