"""Shapes of the gate's calls: scans, manifest, close-out."""

from datetime import UTC
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from flights.models import Cabin, Flight
from skybridge.pagination import PageQuerySerializer, PageSerializer
from skybridge.strict import StrictCharField, StrictChoiceField, StrictSerializer, StrictUUIDField
from ticketing.gate import Reason
from ticketing.manifests import State
from ticketing.models import Bag, PassengerType, Scan
from ticketing.scans import Attempt, Conflict, DeviceResult

MOST_SCANS = 500
SCAN_FIELDS = ("barcode", "nonce", "scanned_at", "device_id", "device_result")


class BarcodeField(StrictCharField):
    """A scanned text, whatever it is; its blanks matter."""

    def __init__(self, **kwargs: Any):
        super().__init__(max_length=1000, trim_whitespace=False, help_text="The scanned text, to the letter.", **kwargs)


class ValidateSerializer(StrictSerializer):
    barcode = BarcodeField()
    event_id = StrictUUIDField(required=False, help_text="The flight that boards where the pass is shown.")


class NewScanSerializer(StrictSerializer):
    barcode = BarcodeField()
    nonce = StrictCharField(max_length=64, help_text="One for each scan; sent again, it does nothing twice.")
    scanned_at = serializers.DateTimeField(
        required=False, default_timezone=UTC, help_text="When an offline device scanned it, by its own clock."
    )
    device_id = StrictCharField(max_length=64, required=False, allow_blank=True)
    device_result = StrictChoiceField(
        [result.value for result in DeviceResult], required=False, help_text="What an offline device decided itself."
    )


class NewScansSerializer(NewScanSerializer):
    barcode = BarcodeField(required=False)
    nonce = StrictCharField(max_length=64, required=False, help_text="One for each scan of a flight; needed.")
    scans: Any = serializers.ListSerializer(
        child=NewScanSerializer(), required=False, min_length=1, max_length=MOST_SCANS,
        help_text="Several scans, and nothing else.",
    )  # fmt: skip

    def validate(self, data: dict) -> dict:
        """Take either one scan or a list of scans."""
        if "scans" in data:
            besides = [name for name in SCAN_FIELDS if name in data]
            detail = serializers.ErrorDetail("Send one scan or `scans`, not both.", code="unknown_field")
        else:
            besides = [name for name in ("barcode", "nonce") if name not in data]
            detail = serializers.ErrorDetail("This field is required.", code="required")
        if besides:
            raise serializers.ValidationError({name: [detail] for name in besides})
        return data


def attempts_of(data: dict) -> list[Attempt]:
    """Return the scans of a validated body."""
    return [Attempt(**scan) for scan in data.get("scans", [data])]


class ScanQuerySerializer(PageQuerySerializer):
    conflicts = StrictChoiceField(["true", "false"], default="false", help_text="Only those with a conflict.")


class GateSerializer(StrictSerializer):
    gate = StrictCharField(
        allow_blank=True,
        max_length=8,
        validators=[RegexValidator(r"^[A-Z0-9]*\Z", "Capital letters and digits.")],
        help_text='Such as B12; "" for none yet.',
    )


class ReopenSerializer(StrictSerializer):
    reason = StrictCharField(max_length=500)


# --- Answers ---


class GateFlightSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()
    flightId = serializers.CharField()
    departureDate = serializers.DateField()
    origin = serializers.CharField()
    destination = serializers.CharField()
    departs_at = serializers.DateTimeField()
    status = serializers.ChoiceField(Flight.Status.choices)
    gate = serializers.CharField(allow_null=True, help_text="None while it is not known.")
    boarding_opens_at = serializers.DateTimeField()
    boarding_closes_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True, help_text="When the flight was closed out.")


class ManifestFlightSerializer(GateFlightSerializer):
    aircraft_type = serializers.CharField()
    registration = serializers.CharField()


class ScannedPassengerSerializer(serializers.Serializer):
    surname = serializers.CharField()
    given_name = serializers.CharField()
    title = serializers.CharField()
    passenger_type = serializers.ChoiceField(PassengerType.choices)
    ticket_number = serializers.CharField(allow_null=True)


class LookSerializer(serializers.Serializer):
    scan_id = serializers.UUIDField()
    result = serializers.ChoiceField(["accepted", "refused"])
    reason = serializers.ChoiceField([reason.value for reason in Reason], allow_null=True)
    message = serializers.CharField()
    passenger = ScannedPassengerSerializer(allow_null=True)
    record_locator = serializers.CharField(allow_null=True)
    flight = GateFlightSerializer(allow_null=True, help_text="The flight that the pass is for.")
    cabin = serializers.ChoiceField(Cabin.choices, allow_null=True)
    seat = serializers.CharField(allow_null=True)
    sequence_number = serializers.IntegerField(allow_null=True)
    coupon_id = serializers.UUIDField(allow_null=True)
    boarded_at = serializers.DateTimeField(allow_null=True)
    opens_at = serializers.DateTimeField(allow_null=True, help_text="With `too_early`.")
    closed_at = serializers.DateTimeField(allow_null=True, help_text="With `gate_closed` and `no_show`.")
    scanned_at = serializers.DateTimeField()


class ConflictSerializer(serializers.Serializer):
    kind = serializers.ChoiceField([conflict.value for conflict in Conflict])
    message = serializers.CharField()


class AttemptSerializer(LookSerializer):
    nonce = serializers.CharField(allow_null=True)
    device_id = serializers.CharField()
    device_result = serializers.ChoiceField([result.value for result in DeviceResult], allow_null=True)
    received_at = serializers.DateTimeField()
    is_conflict = serializers.BooleanField(help_text="The device had decided otherwise, or two of them.")
    conflict = ConflictSerializer(allow_null=True)


class ScanResultSerializer(AttemptSerializer):
    replayed = serializers.BooleanField(help_text="The nonce was seen before: this is what was answered then.")


class ScanSerializer(AttemptSerializer):
    kind = serializers.ChoiceField(Scan.Kind.choices)
    actor_kind = serializers.CharField()
    actor_id = serializers.CharField()


class ScanPageSerializer(PageSerializer):
    scans = ScanSerializer(many=True)


class CountsSerializer(serializers.Serializer):
    booked = serializers.IntegerField()
    checked_in = serializers.IntegerField()
    boarded = serializers.IntegerField()
    no_show = serializers.IntegerField()
    flown = serializers.IntegerField()
    passengers = serializers.IntegerField(help_text="All of these, infants too.")
    infants = serializers.IntegerField(help_text="On laps.")
    bags = serializers.IntegerField()
    bags_kg = serializers.FloatField()


class CabinCountsSerializer(CountsSerializer):
    cabin = serializers.ChoiceField(Cabin.choices)


class ManifestBagSerializer(serializers.Serializer):
    tag_number = serializers.CharField()
    weight_kg = serializers.FloatField()
    status = serializers.ChoiceField(Bag.Status.choices)


class BagToRemoveSerializer(ManifestBagSerializer):
    coupon_id = serializers.UUIDField()
    surname = serializers.CharField()


class ManifestPassengerSerializer(ScannedPassengerSerializer):
    coupon_id = serializers.UUIDField()
    sequence_number = serializers.IntegerField(allow_null=True)
    seat = serializers.CharField(allow_null=True)
    record_locator = serializers.CharField()
    cabin = serializers.ChoiceField(Cabin.choices)
    state = serializers.ChoiceField([state.value for state in State])
    boarded_at = serializers.DateTimeField(allow_null=True)
    bags = ManifestBagSerializer(many=True)
    bags_kg = serializers.FloatField()


@extend_schema_serializer(many=False)
class ManifestSerializer(serializers.Serializer):
    flight = ManifestFlightSerializer()
    counts = CountsSerializer()
    cabins = CabinCountsSerializer(many=True)
    passengers = ManifestPassengerSerializer(many=True)
    made_at = serializers.DateTimeField()


class CloseOutSerializer(serializers.Serializer):
    flight = ManifestFlightSerializer()
    counts = CountsSerializer()
    no_shows = ManifestPassengerSerializer(many=True)
    bags_to_remove = BagToRemoveSerializer(many=True, help_text="Of passengers who are not aboard.")
