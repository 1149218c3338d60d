"""The back office of orders: products, orders, the executions that process them (with a picture), and backups."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.db.models import Case, IntegerField, OuterRef, Q, Subquery, When
from django.db.models.functions import Cast
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from bookings.admin import quote_state
from bookings.models import Booking
from orders import services, workflow
from orders.acts import BACKUP_ACTS, EXECUTION_ACTS, ORDER_ACTS
from orders.captions import advice, attempt_rows, duration_text
from orders.drawings import drawing_of
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
from orders.pictures import Picture, picture_of
from partners.admin import AgencyFilter
from partners.models import Payment, Refund
from skybridge import history
from skybridge.acts import ActsAdmin
from skybridge.admin import PEOPLE, ReadOnlyAdmin, ReadOnlyInline, facts, staff_caller
from skybridge.exceptions import DomainError
from skybridge.exports import ExportMixin
from skybridge.lists import (
    MadeFilter,
    NumberedDayFilter,
    StatusFilter,
    amount,
    badge,
    by_id,
    exact,
    exported,
    link,
    money,
    status,
    status_badge,
    written,
)
from skybridge.money import rounded
from skybridge.versioned_admin import VersionedAdmin, VersionedForm

STYLES = {"all": ["skybridge/execution.css"]}
TO_ORDER = link("order_link", "orders_order", "order_id", "order_id", "order")
TO_BOOKING = link("to_booking", "bookings_booking", "booking_id", "booking", "booking")
TO_PRODUCT = link("to_product", "orders_product", "product_id", "product_id", "product")
TO_FLIGHT = link("to_flight", "flights_flight", "flight_id", "flight", "flight")


NOT_SUCCEEDED = str(tuple(str(status) for status in Execution.Status if status != Execution.Status.SUCCEEDED))


class StateFilter(admin.SimpleListFilter):
    """Offer the workflow's states without asking the table for those that it has."""

    title = parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(state.name, state.name) for state in workflow.STATES]

    def queryset(self, request, queryset):
        state = self.value() or ""
        if state not in workflow.BY_NAME:
            return queryset
        queryset = queryset.filter(written(Execution._meta.get_field("state"), f"= '{state}'"))
        if workflow.FOLLOWING[state] is None:
            return queryset
        # What has succeeded is at the last state: there are few others, and an index of them.
        return queryset.filter(written(Execution._meta.get_field("status"), "IN " + NOT_SUCCEEDED))


def history_of(execution: Execution) -> list[ExecutionEvent]:
    """Return an execution's whole history, oldest first. One statement."""
    return list(ExecutionEvent.objects.filter(execution=execution).order_by("event_id"))


def seen(execution: Execution, history: list[ExecutionEvent]) -> Picture:
    return picture_of(execution, history, workflow.STATES, timezone.now())


class ProductForm(VersionedForm):
    """Stock is changed by a number of pieces: what was sold while somebody looked at the form stays sold."""

    pieces = forms.IntegerField(label="Pieces to add", initial=0, help_text="Negative: to take away.")

    class Meta:
        model = Product
        fields = ("product_id", "name", "category", "price", "currency", "on_sale", "rfic", "rfisc")

    @property
    def changed_data_of_model(self) -> list[str]:
        return [name for name in self.changed_data if name != "pieces"]


@admin.register(Product)
class ProductAdmin(VersionedAdmin, ExportMixin, admin.ModelAdmin):
    form = ProductForm
    list_display = ("product_id", "name", "category", amount("price"), "stock", "on_sale", "rfic", "rfisc")
    list_filter = ("category", "on_sale")
    search_fields = ("=product_id", "^name")

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_readonly_fields(self, request, obj=None):
        return ("product_id", "currency", "stock") if obj else ()

    def save_model(self, request, obj, form, change) -> None:
        try:
            pieces = form.cleaned_data["pieces"]
            services.change_product(obj, form.changed_data_of_model, pieces, actor=staff_caller(request))
        except DomainError as refusal:
            self.message_user(request, f"{refusal.message} ({refusal.code})", messages.ERROR)


@admin.display(description="price")
def item_amount(item) -> str:
    return money(item.price, item.order.currency)


item_price: Any = exported(item_amount, lambda item: rounded(item.price, item.order.currency))


class OrderItemInline(ReadOnlyInline):
    model = OrderItem
    ordering = ("position",)
    fields = readonly_fields = ("position", "description", TO_PRODUCT, TO_BOOKING, "quantity", item_price)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("booking", "order")


class OrderQuoteInline(ReadOnlyInline):
    model = OrderQuote
    ordering = ("-id",)
    fields = readonly_fields = (amount("refund_amount"), amount("penalty_amount"), "expires_at", "confirmed_at")


class DeletedFilter(admin.SimpleListFilter):
    """Orders that are not deleted, unless the deleted ones are asked for."""

    title = parameter_name = "deleted"

    def lookups(self, request, model_admin):
        return [("yes", "Deleted")]

    def choices(self, changelist):
        for value, words in (("", "Kept"), ("yes", "Deleted")):
            link = changelist.get_query_string({"deleted": value} if value else {}, ["deleted"])
            yield {"selected": (self.value() or "") == value, "query_string": link, "display": words}

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.filter(deleted_at__isnull=False)
        return queryset if request.GET.get("q") else queryset.live()


@admin.register(Order)
class OrderAdmin(ActsAdmin, ReadOnlyAdmin):
    list_display = (
        "id", status, "created_at", link("to_agency", "partners_agency", "agency_id", "agency", "agency"),
        "customer_id", amount("total_amount"), amount("refunded_amount"), "payment_method",
    )  # fmt: skip
    list_select_related = ("agency",)
    list_filter = (("status", StatusFilter), MadeFilter, AgencyFilter, DeletedFilter)
    search_help_text = "An order's id, or a customer's."
    find_by = (by_id, lambda text: Q(customer_id=text, deleted_at=None))  # the index has those that are not deleted
    ordering = ("-id",)
    fieldsets = facts(
        ("Sale", ("bookings", list_display[3], "created_at", "lapses_at")),
        ("Customer", ("customer_id", "contact_email")),
        ("Money", (amount("total_amount"), amount("refunded_amount"), "payment_method", "payments")),
        ("Processing", ("processing",)),
        ("Record", ("id", "updated_at", "deleted_at", "version")),
    )
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (OrderItemInline, OrderQuoteInline)
    acts = ORDER_ACTS

    class Media:
        css = STYLES

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agency")

    def history_subjects(self, obj):
        """Add its bookings, payments and refunds."""
        payments = Payment.objects.filter(order_id=obj.pk)
        return super().history_subjects(obj) | history.parts_of(
            ("booking", Booking.objects.filter(order=obj), "locator"),
            ("payment", payments, "amount"),
            ("refund", Refund.objects.filter(payment__in=payments), "amount"),
            ("disruption", DisruptedBooking.objects.filter(booking__order=obj), "status"),
        )

    @admin.display(description="bookings")
    def bookings(self, order) -> str:
        page = "admin:bookings_booking_change"
        rows = Booking.objects.filter(order=order).order_by("pk").values_list("pk", "locator")[:100]
        links = ((reverse(page, args=[pk]), locator) for pk, locator in rows)
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "–"

    @admin.display(description="payments")
    def payments(self, order) -> str:
        page = "admin:partners_payment_change"
        rows = Payment.objects.filter(order_id=order.pk).order_by("pk")[:100]
        links = ((reverse(page, args=[row.pk]), money(row.amount, row.currency), status_badge(row)) for row in rows)
        return format_html_join(", ", '<a href="{}">{}</a> {}', links) or "–"

    @admin.display(description="processing")
    def processing(self, order) -> str:
        """Draw the order's execution in one row."""
        execution = Execution.objects.filter(pk=order.pk).first()
        if execution is None:
            return "-"
        execution.order = order
        page = reverse("admin:orders_execution_change", args=[order.pk])
        picture = seen(execution, history_of(execution))
        return render_to_string("orders/steps.html", {"picture": picture, "page": page})


@admin.register(Execution)
class ExecutionAdmin(ActsAdmin, ReadOnlyAdmin):
    list_display = ("order_id", status, "state", "started_at", "took", "error")
    list_filter = (("status", StatusFilter), StateFilter, MadeFilter)
    search_help_text = "An order's id, or the execution's ARN."
    find_by = (exact("pk", lambda text: UUID(text.rpartition(":")[2])),)
    ordering = ("-order_id",)
    acts = EXECUTION_ACTS

    class Media:
        css = STYLES

    def called(self, obj) -> str:
        return f"of order {obj.pk}"

    def condition(self, obj) -> str:
        return ""  # the page says more of it

    @admin.display(description="duration", ordering="started_at")
    def took(self, execution) -> str:
        span = (execution.stopped_at or timezone.now()) - execution.started_at
        return duration_text(span) + ("" if execution.stopped_at else " so far")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("order")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= self.shown(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def shown(self, execution: Execution) -> dict:
        """Return what the page of an execution shows. Two statements."""
        history = history_of(execution)
        picture = seen(execution, history)
        bookings = list(Booking.objects.filter(order_id=execution.pk).order_by("pk").only("locator", "status"))
        known_by = ", ".join(booking.locator for booking in bookings[:3])
        return {
            "title": f"Execution of {known_by or f'order {execution.pk}'}",
            "subtitle": None,
            "execution": execution,
            "history": history,
            "picture": picture,
            "drawing": drawing_of(picture),
            "attempts": attempt_rows(picture),
            "advice": advice(execution, picture),
            "bookings": bookings,
            **pages(execution),
        }


def pages(execution: Execution) -> dict[str, str]:
    """Return the addresses of an execution's order and of what happened to it."""
    return {
        "order_page": reverse("admin:orders_order_change", args=[execution.pk]),
        "events_page": f"{reverse('admin:skybridge_event_changelist')}?q={execution.pk}",
    }


@admin.register(OrderItem)
class OrderItemAdmin(ReadOnlyAdmin):
    list_display = ("__str__", TO_ORDER, TO_BOOKING, TO_PRODUCT, "quantity", item_price, "is_change")
    list_display_links = ("__str__",)
    list_select_related = ("booking", "order")
    search_help_text = "The id of an order or booking."
    find_by = (exact("order_id", UUID), exact("booking_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        TO_ORDER, "position", "description", TO_BOOKING, TO_PRODUCT, "quantity", item_price, "is_change",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("booking", "order")


@admin.register(OrderQuote)
class OrderQuoteAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", TO_ORDER, "state", amount("refund_amount"), amount("penalty_amount"), "expires_at",
        "confirmed_at",
    )  # fmt: skip
    list_filter = (MadeFilter,)
    search_help_text = "The id of a quote or order."
    find_by = (by_id, exact("order_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        TO_ORDER, "state", amount("refund_amount"), amount("penalty_amount"), amount("kept_amount"), "lines",
        "created_at", "expires_at", "confirmed_at",
    )  # fmt: skip

    @admin.display(description="state")
    def state(self, quote) -> str:
        return quote_state(quote)


class DisruptedBookingInline(ReadOnlyInline):
    model = DisruptedBooking
    ordering = ("id",)
    fields = readonly_fields = (TO_BOOKING, status, "passengers", "decide_by", "decided_at", "decided_by")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("booking")


@admin.register(Disruption)
class DisruptionAdmin(ReadOnlyAdmin):
    list_display = ("created_at", TO_FLIGHT, "what", "reason", "actor")
    list_display_links = ("created_at",)
    list_select_related = ("flight",)
    list_filter = ("kind", MadeFilter)
    search_help_text = "The id of a disruption or flight."
    find_by = (by_id, exact("flight_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        TO_FLIGHT, "what", "reason", "before", "after", "actor", "created_at",
    )  # fmt: skip
    inlines = (DisruptedBookingInline,)

    def get_queryset(self, request):
        """Read who it was along: only people have a user's number for their id."""
        is_person = Q(actor_kind__in=PEOPLE, actor_id__regex=r"^[0-9]{1,9}$")
        number = Case(When(is_person, then=Cast("actor_id", IntegerField())))
        named = Subquery(User.objects.filter(pk=OuterRef("actor_number")).values("username"))
        found = super().get_queryset(request).select_related("flight")
        return found.annotate(actor_number=number, actor_name=named)

    @admin.display(description="by")
    def actor(self, disruption) -> str:
        return disruption.actor_name or disruption.actor_id

    @admin.display(description="kind")
    def what(self, disruption) -> str:
        return badge(disruption.kind, "failed" if disruption.kind == Disruption.Kind.CANCELLATION else "passed-over")


@admin.register(DisruptedBooking)
class DisruptedBookingAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", TO_BOOKING, link("to_disruption", "orders_disruption", "disruption_id", "disruption.kind"),
        status, "passengers", "decide_by", "decided_at",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_select_related = ("booking", "disruption")
    list_filter = ("status", MadeFilter)
    search_help_text = "The id of a booking or disruption."
    find_by = (by_id, exact("booking_id", UUID), exact("disruption_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        TO_BOOKING, list_display[2], status, "passengers", "moves", "decide_by", "decided_at", "decided_by",
        "created_at",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("booking", "disruption")


class TakenFilter(NumberedDayFilter):
    title = "day it was taken (UTC)"
    column = "taken_at"


@admin.register(Backup)
class BackupAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = BACKUP_ACTS
    list_display = ("stream", "kind", "version", "state", "taken_at", "stored_at", "sha256")
    list_filter = (("stored_at", admin.EmptyFieldListFilter), TakenFilter)
    search_help_text = "An order's id, or an account's code."
    find_by = (lambda text: Q(kind__in=Backup.Kind.values, stream=text),)
    exclude = ("document",)
    ordering = ("-id",)

    def get_queryset(self, request):
        return super().get_queryset(request).defer("document")

    @admin.display(description="state")
    def state(self, backup) -> str:
        return badge("stored", "done") if backup.stored_at else badge("waiting to be stored", "waiting")
