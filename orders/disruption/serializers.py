"""Shapes of the calls about disruption: what they take and, for the documentation, what they answer."""

from typing import Any

from rest_framework import serializers

from flights.models import Cabin
from flights.schedules import MAX_SEATS
from orders.disruption.planning import Change
from orders.models import DisruptedBooking, Disruption
from skybridge.strict import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)

CHOICES = ("accept", "rebook", "refund")
# What each kind needs besides its name.
NEEDS = {
    "delay": ("departs_at", "arrives_at"), "retime": ("departs_at", "arrives_at"), "aircraft": ("cabins",),
    "cancellation": ("reason",),
}  # fmt: skip


def is_mere_look(attrs: dict[str, Any]) -> bool:
    """Tell whether a cancellation is only previewed: nobody is told a reason then."""
    return attrs["kind"] == Disruption.Kind.CANCELLATION and attrs["preview"]


class DisruptionChangeSerializer(StrictSerializer):
    kind = StrictChoiceField([kind.value for kind in Disruption.Kind])
    reason = StrictCharField(max_length=200, required=False, allow_blank=True, help_text="To cancel it is needed.")
    departs_at = serializers.DateTimeField(required=False, help_text="Of a delay or retime, with offset.")
    arrives_at = serializers.DateTimeField(required=False, help_text="Of a delay or retime, with offset.")
    aircraft_type = StrictCharField(max_length=32, required=False, help_text="Of a change of aircraft.")
    registration = StrictCharField(
        max_length=10, required=False, allow_blank=True, help_text="Of the aircraft; without it none is known."
    )
    cabins = serializers.DictField(
        child=StrictIntegerField(min_value=0, max_value=MAX_SEATS),
        required=False,
        help_text='Its seats by cabin, such as `{"J": 16, "Y": 150}`; a cabin left out is no more.',
    )
    preview = StrictBooleanField(default=False, help_text="Say what would happen, and change nothing.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = () if is_mere_look(attrs) else NEEDS[attrs["kind"]]
        missing = [name for name in needed if name not in attrs]
        if missing:
            raise serializers.ValidationError(dict.fromkeys(missing, f"A {attrs['kind']} needs it."), code="required")
        if "reason" in needed and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": "Passengers are told why."}, code="blank")
        if "departs_at" in needed and attrs["arrives_at"] <= attrs["departs_at"]:
            raise serializers.ValidationError({"arrives_at": "A flight arrives after its departure."})
        unknown = set(attrs.get("cabins", ())) - set(Cabin.values)
        if unknown:
            raise serializers.ValidationError({"cabins": f"Cabins are {', '.join(Cabin.values)}."})
        return attrs

    @staticmethod
    def change(data: dict[str, Any]) -> Change:
        return Change(**{name: value for name, value in data.items() if name != "preview"})


class DisruptionChoiceSerializer(StrictSerializer):
    choice = StrictChoiceField(CHOICES)
    event_id = StrictUUIDField(required=False, help_text="The flight to rebook to.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["choice"] == "rebook") != ("event_id" in attrs):
            raise serializers.ValidationError({"event_id": "To rebook, and only then, say to which flight."})
        return attrs


class CountSerializer(serializers.Serializer):
    bookings = serializers.IntegerField()
    passengers = serializers.IntegerField()


class OutcomeSerializer(serializers.Serializer):
    """Each booking counts in exactly one of them."""

    waiting = CountSerializer(help_text="Has to choose.")
    accepted = CountSerializer(help_text="Flies as it is now; was told.")
    rebooked = CountSerializer(help_text="Has other flights.")
    refunded = CountSerializer()


class DisruptionResultSerializer(serializers.Serializer):
    bookings = serializers.IntegerField()
    passengers = serializers.IntegerField()
    outcome = OutcomeSerializer()
    flights = serializers.IntegerField(help_text="How many were changed.")


class FlightGivenSerializer(serializers.Serializer):
    """A flight as it is now."""

    event_id = serializers.UUIDField()
    flightId = serializers.CharField()
    departureDate = serializers.DateField()
    origin = serializers.CharField()
    destination = serializers.CharField()
    departureTime = serializers.DateTimeField(help_text="With the airport's offset.")


class RebookedToSerializer(FlightGivenSerializer):
    """A flight that passengers would get."""

    cabin = serializers.CharField()
    bookings = serializers.IntegerField()
    passengers = serializers.IntegerField()


class DisruptionPreviewSerializer(serializers.Serializer):
    bookings = serializers.IntegerField()
    passengers = serializers.IntegerField()
    outcome = OutcomeSerializer()
    broken_connections = serializers.IntegerField(help_text="Bookings that would miss their onward flight.")
    rebooked_to = RebookedToSerializer(many=True)
    oversold = serializers.DictField(child=serializers.IntegerField(), help_text="Seats too few, by cabin.")


class DisruptionSerializer(serializers.Serializer):
    disruption_id = serializers.UUIDField()
    event_id = serializers.UUIDField(help_text="The flight.")
    kind = serializers.ChoiceField([kind.value for kind in Disruption.Kind])
    reason = serializers.CharField()
    before = serializers.DictField(help_text="What has changed of the flight, such as `departs_at` (UTC).")
    after = serializers.DictField()
    created_at = serializers.CharField()


class FlightDisruptionSerializer(DisruptionSerializer):
    outcome = OutcomeSerializer()


class MoveSerializer(serializers.Serializer):
    """A flight given for another one; the fare stays as it was paid. On the same flight, the seats lost."""

    sequence = serializers.IntegerField()
    cabin = serializers.CharField()
    to = FlightGivenSerializer()
    lost_seats = serializers.ListField(child=serializers.CharField(), help_text="That the aircraft has no more.")


MoveSerializer._declared_fields["from"] = FlightGivenSerializer()  # a word of Python's


class BookingDisruptionSerializer(DisruptionSerializer):
    booking_id = serializers.UUIDField()
    status = serializers.ChoiceField([status.value for status in DisruptedBooking.Status])
    moves = MoveSerializer(many=True)
    decide_by = serializers.DateTimeField(allow_null=True, help_text="Until then there is a choice.")
    decided_at = serializers.DateTimeField(allow_null=True)
    choices = serializers.ListField(child=serializers.ChoiceField(CHOICES), help_text="What can be chosen now.")
