from django.contrib import admin

from flights.models import Airport, Carrier, Fare, Flight, FlightCabin
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline


@admin.register(Airport)
class AirportAdmin(ReadOnlyAdmin):
    list_display = ("iata", "city", "name", "country", "timezone", "city_code")
    search_fields = ("=iata", "^city")


@admin.register(Carrier)
class CarrierAdmin(admin.ModelAdmin):
    list_display = ("iata", "name", "accounting_code")

    def get_readonly_fields(self, request, obj=None):
        return ("iata",) if obj else ()

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Fare)
class FareAdmin(ReadOnlyAdmin):
    list_display = ("origin_id", "destination_id", "cabin", "fare_basis", "base_amount", "total_amount", "currency")
    list_filter = ("cabin", "fare_basis")
    search_fields = ("=origin__iata", "=destination__iata")


class FlightCabinInline(ReadOnlyInline):
    model = FlightCabin
    fields = ("cabin", "capacity", "sold", "held", "free", "on_sale", "fare")


@admin.register(Flight)
class FlightAdmin(ReadOnlyAdmin):
    list_display = (
        "designator",
        "departure_date",
        "origin_id",
        "destination_id",
        "departs_at",
        "aircraft_type",
        "status",
    )
    list_filter = ("status", "carrier")
    date_hierarchy = "departs_at"
    search_fields = ("=origin__iata", "=destination__iata", "=flight_number")
    ordering = ("departs_at", "id")
    inlines = (FlightCabinInline,)
