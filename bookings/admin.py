from django.contrib import admin, messages

from bookings.models import Booking
from bookings.services import act
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, staff_caller
from skybridge.exceptions import DomainError
from ticketing.models import Ticket


class TicketInline(ReadOnlyInline):
    model = Ticket
    fields = ("number", "passenger_type", "surname", "given_name", "issued_at", "is_superseded")


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("locator", "status", "created_at", "agency", "user_id", "seats", "total_amount", "currency")
    list_select_related = ("agency",)
    list_filter = ("status", "agency")
    date_hierarchy = "created_at"
    search_fields = ("=locator", "^user_id")
    ordering = ("-id",)
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
