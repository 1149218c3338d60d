from contextlib import suppress
from datetime import date
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Q
from django.urls import path, reverse
from django.utils.html import format_html_join

from flights.acts import ACTS
from flights.airports import fold
from flights.import_page import bounded, import_page, may_import
from flights.localtime import zone
from flights.models import Airport, Carrier, Fare, Flight, FlightCabin, SeatHold
from flights.offers import match_designator
from skybridge.acts import ActsAdmin
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, RecordingAdmin, facts
from skybridge.lists import DayFilter, amount, exact, link, status

TO_FLIGHT = link("to_flight", "flights_flight", "flight_id", "flight", "flight")
TO_FARE = link("to_fare", "flights_fare", "fare_id", "fare", "fare")


class DepartureDateFilter(DayFilter):
    title = "departure date (local)"
    parameter_name = "departs"
    column = "departure_date"
    shortcuts = (("Today", 0), ("Tomorrow", 1), ("Yesterday", -1))


class CarrierFilter(admin.SimpleListFilter):
    """One carrier's flights of the chosen day, or of all days by an index on both."""

    title = parameter_name = "carrier"

    def lookups(self, request, model_admin):
        return [(iata, iata) for iata in Carrier.objects.order_by("iata").values_list("pk", flat=True)[:30]]

    def queryset(self, request, queryset):
        return queryset.filter(carrier=self.value()) if self.value() else queryset


@admin.register(Airport)
class AirportAdmin(ReadOnlyAdmin):
    list_display = ("iata", "city", "name", "country", "timezone", "city_code")
    sortable_by = None
    search_fields = ("=iata", "^city")
    ordering = ("iata",)


@admin.register(Carrier)
class CarrierAdmin(RecordingAdmin):
    list_display = ("iata", "name", "accounting_code")
    search_fields = ("=iata", "^name")
    ordering = ("iata",)

    def get_readonly_fields(self, request, obj=None):
        return ("iata",) if obj else ()


@admin.register(Fare)
class FareAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__", "origin_id", "destination_id", "cabin", "fare_basis", amount("base_amount"),
        amount("total_amount"), "is_refundable", amount("cancel_fee_amount", "cancel fee"),
        amount("change_fee_amount", "change fee"),
    )  # fmt: skip
    list_display_links = ("__str__",)
    list_filter = ("cabin", "is_refundable")
    search_help_text = "A route: JFK LAX, or where it begins: JFK."
    find_by = (lambda text: Q(**dict(zip(("origin", "destination"), text.upper().split(), strict=False))),)
    ordering = ("origin", "destination", "cabin", "fare_basis")
    fieldsets = facts(
        ("Route", ("origin", "destination", "cabin", "fare_basis")),
        ("Money", (amount("base_amount"), amount("total_amount"))),
        ("Changes", (
            "is_changeable", amount("change_fee_amount", "change fee"), "is_refundable",
            amount("cancel_fee_amount", "cancel fee"), "free_cancel_hours", "free_cancel_days_ahead", "void_same_day",
        )),
        ("Rules", ("taxes",)),
    )  # fmt: skip
    readonly_fields = flatten_fieldsets(fieldsets)


class FlightCabinInline(ReadOnlyInline):
    model = FlightCabin
    fields = readonly_fields = ("cabin", "capacity", "sold", "held", "free", "on_sale", TO_FARE)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("fare")


@admin.register(FlightCabin)
class FlightCabinAdmin(ReadOnlyAdmin):
    list_display = ("__str__", TO_FLIGHT, "cabin", "capacity", "sold", "held", "free", "on_sale", TO_FARE)
    list_display_links = ("__str__",)
    list_select_related = ("flight", "fare")
    search_help_text = "A flight's id, or the cabin's number."
    find_by = (exact("flight_id", UUID), exact("pk", int))
    ordering = ("-id",)
    fields = readonly_fields = (TO_FLIGHT, "cabin", "capacity", "sold", "held", "free", "on_sale", TO_FARE, "holds")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("flight", "fare")

    @admin.display(description="held by")
    def holds(self, cabin) -> str:
        """Return the first hundred bookings that hold seats, by their deadline."""
        rows = SeatHold.objects.filter(flight_cabin=cabin).order_by("expires_at")[:100]
        page = "admin:bookings_booking_change"
        return (
            format_html_join(
                "",
                '<div>{} until {} UTC by <a href="{}">{}</a></div>',
                [
                    (
                        hold.seats,
                        f"{hold.expires_at:%Y-%m-%d %H:%M:%S}",
                        reverse(page, args=[hold.booking_id]),
                        hold.booking_id,
                    )
                    for hold in rows
                ],
            )
            or "–"
        )


@admin.register(Flight)
class FlightAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = ACTS
    list_display = (
        "designator", "departure_date", "leaves", "reaches", "departs_locally_at", "aircraft_type", status,
    )  # fmt: skip
    list_filter = (DepartureDateFilter, "status", CarrierFilter)
    list_select_related = ("origin",)
    search_fields = ("flight_number",)
    search_help_text = "Any of: a flight (UA1161), a number, a date (2026-12-01), an airport or city."
    ordering = ("departs_at", "id")
    fieldsets = facts(
        ("Route", ("origin", "destination", "carrier", "related")),
        ("Times", ("departure_date", "departs_locally_at", "departs_at", "arrives_at")),
        ("Aircraft", ("aircraft_type", "registration", "blocked")),
        ("Record", ("id", "updated_at")),
    )
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (FlightCabinInline,)

    def get_urls(self):
        """Add the page of imports, see `flights/import_page.py`."""
        view = bounded(self.admin_site.admin_view(import_page))
        return [path("import/", view, name="flights_flight_import"), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"may_import": may_import(request), **(extra_context or {})})

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("origin", "destination", "carrier")

    @admin.display(description="blocked seats")
    def blocked(self, flight) -> str:
        return ", ".join(sorted(flight.blocked_seats.values_list("seat", flat=True)[:200])) or "–"

    @admin.display(description="see also")
    def related(self, flight) -> str:
        return format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            [
                (f"{reverse('admin:ticketing_coupon_changelist')}?q={flight.pk}", "Coupons"),
                (f"{reverse('admin:ticketing_scan_changelist')}?q={flight.pk}", "Scans"),
                (f"{reverse('admin:ticketing_departure_changelist')}?q={flight.pk}", "Departure"),
            ],
        )

    @admin.display(description="from", ordering="origin_id")
    def leaves(self, flight) -> str:
        return flight.origin_id

    @admin.display(description="to", ordering="destination_id")
    def reaches(self, flight) -> str:
        return flight.destination_id

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
