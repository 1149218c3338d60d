from contextlib import suppress
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html_join

from bookings.models import Booking
from orders.reservations import act
from partners.models import Agency
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, staff_caller
from skybridge.exceptions import DomainError
from ticketing.models import Coupon, Ticket


class TicketInline(ReadOnlyInline):
    model = Ticket
    fields = ("number", "passenger_type", "surname", "given_name", "issued_at", "state")
    readonly_fields = ("state",)

    @admin.display(description="state")
    def state(self, ticket) -> str:
        return "replaced or given up" if ticket.is_superseded else "issued" if ticket.number else "held"


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("locator", "status", "created_at", "agency", "user_id", "seats", "total_amount", "currency")
    list_select_related = ("agency",)
    list_filter = ("status", "agency")
    date_hierarchy = "created_at"
    search_fields = ("locator", "user_id")
    search_help_text = "A record locator, booking id, ticket number, surname, agency or user id."
    ordering = ("-id",)
    fields = readonly_fields = (
        "locator",
        "status",
        "flights",
        "seats",
        "agency",
        "user_id",
        "expires_at",
        "total_amount",
        "refunded_amount",
        "currency",
        "created_at",
        "updated_at",
        "version",
    )
    inlines = (TicketInline,)
    actions = ("confirm", "cancel", "refund")

    @admin.action(permissions=["act"], description="Confirm: sell the seats and issue the tickets")
    def confirm(self, request, bookings):
        self.act_on(request, bookings, "confirm")

    @admin.action(permissions=["act"], description="Cancel: void the tickets and give the seats back")
    def cancel(self, request, bookings):
        self.act_on(request, bookings, "cancel")

    @admin.action(permissions=["act"], description="Refund: refund the tickets and give the seats back")
    def refund(self, request, bookings):
        self.act_on(request, bookings, "refund")

    def get_search_results(self, request, queryset, search_term):
        """Find by what people quote: locator, booking id, ticket number, surname, agency or user id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        with suppress(ValueError):
            return queryset.filter(pk=UUID(term)), False
        tickets = Ticket.objects.filter(Q(number=term) | Q(surname__iexact=term)).values("booking_id")
        agencies = Agency.objects.filter(name__iexact=term).values("pk")
        found = Q(locator=term.upper()) | Q(user_id=term) | Q(pk__in=tickets) | Q(agency__in=agencies)
        return queryset.filter(found), False

    @admin.display(description="flights")
    def flights(self, booking) -> str:
        coupons = Coupon.objects.live(booking.pk).select_related("flight").order_by("ticket__position", "sequence")
        page = "admin:flights_flight_change"
        links = {str(k.flight): reverse(page, args=[k.flight_id]) for k in coupons if k.flight_id}
        return format_html_join(", ", '<a href="{}">{}</a>', ((url, text) for text, url in links.items())) or "-"

    def has_act_permission(self, request) -> bool:
        return request.user.has_perm("bookings.change_booking")

    def act_on(self, request, bookings, action: str) -> None:
        """Do it for each booking through the service; a refusal becomes a message."""
        for booking in bookings:
            try:
                view = act(booking.pk, action, caller=staff_caller(request))
            except DomainError as refusal:
                self.message_user(request, f"{booking}: {refusal.message}", messages.ERROR)
            else:
                self.message_user(request, f"{booking} is {view.booking.status}.", messages.SUCCESS)
