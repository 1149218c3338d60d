"""The ground floor: airports, carriers, fares, and dated flights with the seats of their cabins."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from skybridge.identifiers import uuid7
from skybridge.states import StateMachine, status_check


class Cabin(models.TextChoices):
    """Cabins by their one-letter code. Source: IATA Passenger Services, cabin class codes."""

    FIRST = "F", "First"
    BUSINESS = "J", "Business"
    PREMIUM = "W", "Premium economy"
    ECONOMY = "Y", "Economy"


class Airport(models.Model):
    iata = models.CharField(max_length=3, primary_key=True)
    icao = models.CharField(max_length=4, blank=True)
    name = models.CharField(max_length=120)
    city = models.CharField(max_length=80, blank=True)
    city_code = models.CharField(
        max_length=3, blank=True, help_text="IATA city code where a city has several airports."
    )
    country = models.CharField(max_length=2)
    timezone = models.CharField(max_length=40, help_text="IANA time zone.")
    latitude = models.FloatField()
    longitude = models.FloatField()
    search_terms = ArrayField(models.CharField(max_length=120), help_text="Folded codes and city names.")

    class Meta:
        indexes = [GinIndex(fields=["search_terms"], name="airport_by_term")]

    def __str__(self) -> str:
        return f"{self.iata} {self.city or self.name}"


class Carrier(models.Model):
    iata = models.CharField(max_length=3, primary_key=True)
    name = models.CharField(max_length=80, blank=True)
    accounting_code = models.CharField(max_length=3, blank=True, help_text="First three digits of its tickets.")

    def __str__(self) -> str:
        return self.iata


class Fare(models.Model):
    """What one adult pays for one cabin of one route: base fare and tax lines, and by which rules.

    `taxes` is a list of {"code", "amount" (text), "refundable"}; `total_amount` is base fare plus taxes. Fees are in
    the fare's currency, per passenger and flight. What the rules mean: `bookings/fare_rules.py`.
    """

    origin = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="+")
    cabin = models.CharField(max_length=1, choices=Cabin)
    fare_basis = models.CharField(max_length=15)
    currency = models.CharField(max_length=3)
    base_amount = models.DecimalField(max_digits=12, decimal_places=4)
    taxes = models.JSONField(default=list)
    total_amount = models.DecimalField(max_digits=12, decimal_places=4)
    is_refundable = models.BooleanField(default=False, db_default=False)
    is_changeable = models.BooleanField(default=True, db_default=True)
    change_fee_amount = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0), db_default=Decimal(0))
    cancel_fee_amount = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0), db_default=Decimal(0))
    free_cancel_hours = models.PositiveSmallIntegerField(
        default=24, db_default=24, help_text="Everything goes back within these hours of ticketing,"
    )
    free_cancel_days_ahead = models.PositiveSmallIntegerField(
        default=7, db_default=7, help_text="if the ticket was issued at least these days before departure."
    )
    void_same_day = models.BooleanField(
        default=True, db_default=True, help_text="Everything goes back on the day of issue (UTC)."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["origin", "destination", "cabin", "fare_basis"], name="fare_once"),
            models.CheckConstraint(
                condition=models.Q(base_amount__gte=0, total_amount__gte=models.F("base_amount")),
                name="fare_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(change_fee_amount__gte=0, cancel_fee_amount__gte=0), name="fees_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id}-{self.destination_id} {self.fare_basis}"


class Flight(StateMachine):
    """One dated departure. Known by carrier, number, suffix, local departure date and origin."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled"
        DELAYED = "delayed"
        CANCELLED = "cancelled"
        DEPARTED = "departed"

    TRANSITIONS = {
        Status.SCHEDULED: (Status.DELAYED, Status.CANCELLED, Status.DEPARTED),
        Status.DELAYED: (Status.SCHEDULED, Status.CANCELLED, Status.DEPARTED),
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    flight_number = models.PositiveSmallIntegerField()
    operational_suffix = models.CharField(max_length=1, blank=True)
    departure_date = models.DateField(help_text="Local to the origin.")
    origin = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="+", db_index=False)
    destination = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="+", db_index=False)
    departs_at = models.DateTimeField()
    arrives_at = models.DateTimeField()
    aircraft_type = models.CharField(max_length=32, blank=True)
    registration = models.CharField(max_length=10, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.SCHEDULED)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "flight_number", "departure_date", "origin", "operational_suffix"],
                name="flight_once",
            ),
            models.CheckConstraint(condition=models.Q(arrives_at__gt=models.F("departs_at")), name="flight_takes_time"),
            status_check("flight_status", "scheduled delayed cancelled departed"),
        ]
        indexes = [
            models.Index(fields=["origin", "destination", "departure_date", "departs_at"], name="flight_by_route"),
            models.Index(fields=["origin", "departs_at", "id"], name="flight_by_origin"),
            models.Index(fields=["destination", "departs_at", "id"], name="flight_by_destination"),
            models.Index(fields=["departs_at", "id"], name="flight_by_departure"),
            models.Index(fields=["departure_date", "departs_at", "id"], name="flight_by_date"),
            models.Index(
                fields=["departs_at"], name="flight_to_depart", condition=models.Q(status__in=("scheduled", "delayed"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.designator} {self.departure_date} {self.origin_id}-{self.destination_id}"

    @property
    def designator(self) -> str:
        return f"{self.carrier_id}{self.flight_number}{self.operational_suffix}"


class FlightCabin(models.Model):
    """The seats of one cabin on one flight. The counters change only by a conditional UPDATE.

    `held` are seats of pending bookings, whose deadline may have passed; `free` seats can be held by anybody.
    """

    flight = models.ForeignKey(Flight, on_delete=models.CASCADE, related_name="cabins", db_index=False)
    cabin = models.CharField(max_length=1, choices=Cabin)
    fare = models.ForeignKey(Fare, on_delete=models.PROTECT, related_name="+", db_index=False)
    capacity = models.PositiveSmallIntegerField()
    sold = models.PositiveSmallIntegerField(default=0)
    held = models.PositiveSmallIntegerField(default=0)
    free = models.PositiveSmallIntegerField()
    on_sale = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flight", "cabin"], name="flight_cabin_once"),
            models.CheckConstraint(
                condition=models.Q(capacity=models.F("sold") + models.F("held") + models.F("free")),
                name="capacity_is_sold_held_free",
            ),
        ]

    def __str__(self) -> str:
        return self.get_cabin_display()


class BlockedSeat(models.Model):
    """A seat that nobody may choose or be given on one flight; the cabin sells as many seats as before."""

    flight = models.ForeignKey(Flight, on_delete=models.CASCADE, related_name="blocked_seats", db_index=False)
    seat = models.CharField(max_length=4)
    reason = models.CharField(max_length=200)
    blocked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flight", "seat"], name="seat_blocked_once")]

    def __str__(self) -> str:
        return self.seat


class SeatHold(models.Model):
    """Seats of a cabin that a pending booking holds until its deadline; gone once they are sold or released."""

    pk = models.CompositePrimaryKey("booking_id", "flight_cabin")
    booking_id = models.UUIDField()
    flight_cabin = models.ForeignKey(FlightCabin, on_delete=models.CASCADE, related_name="holds", db_index=False)
    seats = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["flight_cabin", "expires_at"], name="hold_by_deadline")]

    def __str__(self) -> str:
        return f"{self.seats} until {self.expires_at:%H:%M:%S}"
