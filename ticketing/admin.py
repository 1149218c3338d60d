from django.contrib import admin

from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline
from ticketing.models import Coupon, Ticket


class CouponInline(ReadOnlyInline):
    model = Coupon
    fields = ("sequence", "flight", "cabin", "status", "fare_basis", "total_amount", "currency")
    raw_id_fields = ("flight",)


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "booking", "surname", "given_name", "passenger_type", "issued_at", "is_superseded")
    list_select_related = ("booking",)
    search_fields = ("=number", "^surname", "=booking__locator")
    ordering = ("-id",)
    inlines = (CouponInline,)
