from contextlib import suppress
from datetime import date

from django.contrib import admin
from django.db.models import Q

from flights.airports import fold
from flights.localtime import zone
from flights.models import Airport, Carrier, Fare, Flight, FlightCabin
from flights.offers import match_designator
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
    list_display = (
        "origin_id",
        "destination_id",
        "cabin",
        "fare_basis",
        "base_amount",
        "total_amount",
        "currency",
        "is_refundable",
        "cancel_fee_amount",
        "change_fee_amount",
    )
    list_filter = ("cabin", "fare_basis", "is_refundable")
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
        "departs_locally_at",
        "aircraft_type",
        "status",
    )
    list_filter = ("status", "carrier")
    list_select_related = ("origin",)
    date_hierarchy = "departs_at"
    search_fields = ("flight_number",)
    search_help_text = "Any of: a flight (UA1161), a number, a date (2026-12-01), an airport or city."
    ordering = ("departs_at", "id")
    inlines = (FlightCabinInline,)

    @admin.display(description="departs (local)", ordering="departs_at")
    def departs_locally_at(self, flight) -> str:
        return f"{flight.departs_at.astimezone(zone(flight.origin.timezone)):%H:%M %Z}"

    def get_search_results(self, request, queryset, search_term):
        """Find by everything that a flight is known by, in any order; other words together are a place."""
        place = []
        for word in search_term.split():
            known_by = flight_filter(word)
            queryset = queryset.filter(**known_by)
            place += [] if known_by else [word]
        if place:
            term = [fold(" ".join(place))]
            leaves, reaches = Q(origin__search_terms__contains=term), Q(destination__search_terms__contains=term)
            queryset = queryset.filter(leaves | reaches)
        return queryset, False


def flight_filter(word: str) -> dict:
    """Return the filter that a flight, a number or a date in a search stands for, {} for any other word."""
    if word.isdecimal() and len(word) <= 4:
        return {"flight_number": word}
    if match := match_designator(word.upper()):
        return {"carrier": match[1], "flight_number": match[2], "operational_suffix": match[3]}
    with suppress(ValueError):
        return {"departure_date": date.fromisoformat(word)}
    return {}
