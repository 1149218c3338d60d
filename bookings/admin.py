from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from bookings.acts import ACTS
from bookings.models import Booking, Quote, status_at
from flights.models import SeatHold
from orders.finding import booking_ids, understand
from orders.models import DisruptedBooking
from partners.admin import AgencyFilter
from partners.models import Agency
from skybridge import history
from skybridge.acts import ActsAdmin
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, facts
from skybridge.lists import MadeFilter, StatusFilter, amount, badge, by_id, exact, link
from ticketing.models import Bag, Coupon, Emd, Ticket

TO_AGENCY = link("to_agency", "partners_agency", "agency_id", "agency", "agency")
TO_ORDER = link("order_link", "orders_order", "order_id", "order_id", "order")


class TicketInline(ReadOnlyInline):
    model = Ticket
    ordering = ("position", "id")
    fields = readonly_fields = ("number", "passenger_type", "surname", "given_name", "issued_at", "state")

    @admin.display(description="state")
    def state(self, ticket) -> str:
        return badge("replaced or given up" if ticket.is_superseded else "issued" if ticket.number else "held")


class QuoteInline(ReadOnlyInline):
    model = Quote
    ordering = ("-id",)
    fields = readonly_fields = (
        "kind", amount("due_amount"), amount("refund_amount"), amount("penalty_amount"), "expires_at", "confirmed_at",
    )  # fmt: skip


def status_now(booking) -> str:
    return badge(status_at(booking, timezone.now()))


status: Any = admin.display(description="status")(status_now)


@admin.register(Booking)
class BookingAdmin(ActsAdmin, ReadOnlyAdmin):
    list_display = (
        "locator", status, "created_at", TO_AGENCY, "user_id", "seats", amount("total_amount"), TO_ORDER,
    )  # fmt: skip
    list_select_related = ("agency",)
    list_filter = (("status", StatusFilter), MadeFilter, AgencyFilter)
    search_fields = ("locator",)
    search_help_text = "A record locator, passenger's name, ticket number, booking or order id, agency or user id."
    ordering = ("-id",)
    fieldsets = facts(
        ("Journey", ("flights", "seats", "held", "expires_at")),
        ("Sale", (TO_AGENCY, "user_id", TO_ORDER, "created_at")),
        ("Money", (amount("total_amount"), amount("refunded_amount"))),
        ("Record", ("id", "updated_at", "version")),
    )
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (TicketInline, QuoteInline)
    acts = ACTS

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agency")

    def get_search_results(self, request, queryset, search_term):
        """Find by what people quote, asking only indexes: the ids first, then the rows."""
        term = " ".join(search_term.replace("\0", " ").split())
        if not term:
            return queryset, False
        question = understand(term)
        if question.id:
            return queryset.filter(pk=question.id) | queryset.filter(order=question.id), False
        if question.document:
            return queryset.filter(pk__in=self.of_document(question.document)), False
        found = queryset.filter(pk__in=booking_ids(question, 500))
        agency = Agency.objects.filter(name__iexact=term).first()
        return (found | queryset.filter(agency=agency)) if agency else found, False

    def of_document(self, number: str) -> list[UUID]:
        """Return the booking of a ticket or EMD."""
        tickets = Ticket.objects.filter(number=number).values_list("booking_id")
        return [pk for (pk,) in tickets.union(Emd.objects.filter(number=number).values_list("ticket__booking_id"))]

    def history_subjects(self, obj):
        """Add its tickets' coupons, EMDs and bags, and what disruptions did to it."""
        own = {"ticket__booking": obj}
        return super().history_subjects(obj) | history.parts_of(
            ("ticket", Ticket.objects.filter(booking=obj), "number"),
            ("coupon", Coupon.objects.filter(**own), "seat"),
            ("EMD", Emd.objects.filter(**own), "number"),
            ("bag", Bag.objects.filter(coupon__ticket__booking=obj), "tag_number"),
            ("disruption", DisruptedBooking.objects.filter(booking=obj), "status"),
        )

    @admin.display(description="seats held")
    def held(self, booking) -> str:
        holds = SeatHold.objects.filter(booking_id=booking.pk).select_related("flight_cabin__flight")[:20]
        return ", ".join(f"{k.seats} on {k.flight_cabin.flight} in {k.flight_cabin.cabin}" for k in holds) or "–"

    @admin.display(description="flights")
    def flights(self, booking) -> str:
        """Link to the flights; of a booking that has ended to those that it had last."""
        coupons = Coupon.objects.live(booking.pk)
        if booking.status in (Booking.Status.CANCELED, Booking.Status.REFUNDED):
            given_back = (Coupon.Status.REFUNDED, Coupon.Status.VOID)
            coupons = Coupon.objects.filter(ticket__booking=booking, status__in=given_back)
        coupons = coupons.select_related("flight").order_by("ticket__position", "sequence")
        page = "admin:flights_flight_change"
        links = {str(k.flight): reverse(page, args=[k.flight_id]) for k in coupons if k.flight_id}
        return format_html_join(", ", '<a href="{}">{}</a>', ((url, text) for text, url in links.items())) or "-"


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", link("to_booking", "bookings_booking", "booking_id", "booking", "booking"), "kind", "state",
        amount("due_amount"), amount("refund_amount"), amount("penalty_amount"), "expires_at", "confirmed_at",
    )  # fmt: skip
    list_select_related = ("booking",)
    list_filter = (MadeFilter,)
    search_help_text = "The id of a quote or booking."
    find_by = (by_id, exact("booking_id", UUID))
    ordering = ("-id",)
    fieldsets = facts(
        ("Quote", (list_display[1], "kind", "created_at", "expires_at", "confirmed_at", "confirmed_by")),
        ("Money", map(amount, ("due_amount", "refund_amount", "penalty_amount", "kept_amount"))),
        ("Details", ("lines",)),
    )
    readonly_fields = flatten_fieldsets(fieldsets)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("booking")

    @admin.display(description="state")
    def state(self, quote) -> str:
        return quote_state(quote)


def quote_state(quote) -> str:
    """Say what has become of a quote of a booking or an order."""
    if quote.confirmed_at:
        return badge("confirmed", "done")
    if quote.is_superseded:
        return badge("superseded", "stopped")
    return badge("expired", "stopped") if quote.expires_at <= timezone.now() else badge("open", "running")
