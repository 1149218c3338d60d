"""Shapes of check-in: what is asked for, and what comes of it."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from django.utils import timezone
from rest_framework import serializers

from flights.borders import NATIONALITIES
from skybridge.strict import StrictCharField, StrictChoiceField, StrictDateField, StrictSerializer, StrictUUIDField
from ticketing.checkin import Wish
from ticketing.models import Bag
from ticketing.serializers.tickets import BoardingPassSerializer, EmdSerializer, TicketSerializer
from ticketing.travel_documents import Document, DocumentType

MOST_BAGS = 9
MOST_PASSENGERS = 18
FARTHEST_WEST = timedelta(hours=12)  # of UTC, where a day ends last


class WeightField(serializers.DecimalField):
    """Kilograms as a JSON number with at most one decimal; text and true are refused."""

    def __init__(self, **kwargs):
        super().__init__(max_digits=4, decimal_places=1, min_value=Decimal("0.1"), coerce_to_string=False, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class CodeField(StrictCharField):
    """A country by its three letters, as documents have it."""

    default_error_messages: ClassVar = {"unknown": "Three letters as in the document (ISO 3166-1), such as USA."}

    def __init__(self, *, known: frozenset[str], **kwargs):
        self.known = known
        super().__init__(max_length=3, **kwargs)

    def to_internal_value(self, data):
        code = super().to_internal_value(data).upper()
        if code not in self.known:
            self.fail("unknown")
        return code


class DocumentNumberField(StrictCharField):
    default_error_messages: ClassVar = {"characters": "5 to 20 letters A to Z and digits."}

    def to_internal_value(self, data):
        number = super().to_internal_value(data).upper().replace(" ", "").replace("-", "")
        if not (5 <= len(number) <= 20 and number.isascii() and number.isalnum()):
            self.fail("characters")
        return number


class TravelDocumentInputSerializer(StrictSerializer):
    type = StrictChoiceField(DocumentType.choices, default=DocumentType.PASSPORT)
    number = DocumentNumberField(max_length=30)
    issuing_country = CodeField(known=NATIONALITIES, help_text="ISO 3166-1, three letters.")
    nationality = CodeField(known=NATIONALITIES, help_text="ISO 3166-1, three letters.")
    expiry_date = StrictDateField()
    gender = StrictChoiceField(["F", "M", "X"], required=False)
    birth_date = StrictDateField(required=False)

    def validate_expiry_date(self, expiry_date):
        """Refuse a day that is over everywhere."""
        if expiry_date < (timezone.now() - FARTHEST_WEST).date():
            raise serializers.ValidationError("The document has expired.", code="past")
        return expiry_date


class BagInputSerializer(StrictSerializer):
    weight_kg = WeightField()


def bags_field(**kwargs) -> serializers.ListSerializer:
    return serializers.ListSerializer(child=BagInputSerializer(), max_length=MOST_BAGS, **kwargs)


class WishSerializer(StrictSerializer):
    seat = StrictCharField(max_length=4, required=False, help_text="Such as 12A; any will do without it.")
    bags = bags_field(required=False)
    travel_document = TravelDocumentInputSerializer(required=False)


class CheckInInputSerializer(WishSerializer):
    event_id = StrictUUIDField(required=False, help_text="The flight; without it the next one, and those after it.")


class PassengerCheckInSerializer(WishSerializer):
    ticket_id = StrictUUIDField()


class GroupCheckInSerializer(StrictSerializer):
    event_id = StrictUUIDField(required=False, help_text="The flight; without it the next one, and those after it.")
    passengers: serializers.ListSerializer = serializers.ListSerializer(
        child=PassengerCheckInSerializer(), required=False, allow_empty=False, max_length=MOST_PASSENGERS
    )

    def validate_passengers(self, passengers):
        if len({passenger["ticket_id"] for passenger in passengers}) < len(passengers):
            raise serializers.ValidationError("A ticket is named twice.", code="duplicate")
        return passengers


class BagsInputSerializer(StrictSerializer):
    event_id = StrictUUIDField(required=False, help_text="The flight; without it the next one.")
    bags = bags_field(allow_empty=False)


class FlightQuerySerializer(StrictSerializer):
    event_id = StrictUUIDField(required=False, help_text="The flight; those after it are undone with it.")


def weights_of(data: dict) -> list[Decimal]:
    return [bag["weight_kg"] for bag in data.get("bags", ())]


def document_of(data: dict) -> Document:
    return Document(**data)


def wish_of(ticket_id, data: dict) -> Wish:
    document = data.get("travel_document")
    return Wish(ticket_id, data.get("seat", "").upper(), weights_of(data), document_of(document) if document else None)


# --- Answers ---


class BagSerializer(serializers.Serializer):
    tag_number = serializers.CharField(help_text="Ten digits.")
    weight_kg = serializers.FloatField()
    status = serializers.ChoiceField(Bag.Status.choices)
    ticket_id = serializers.UUIDField()
    coupon_id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    checked_at = serializers.DateTimeField()


class CheckInSerializer(serializers.Serializer):
    """The passengers that were asked about, with their checked bags and good boarding passes."""

    booking_id = serializers.UUIDField()
    record_locator = serializers.CharField()
    booking_status = serializers.CharField()
    order_id = serializers.UUIDField(allow_null=True)
    tickets = TicketSerializer(many=True)
    bags = BagSerializer(many=True)
    boarding_passes = BoardingPassSerializer(many=True)


class TicketDetailsSerializer(TicketSerializer):
    record_locator = serializers.CharField()
    booking_status = serializers.CharField()
    order_id = serializers.UUIDField(allow_null=True)
    user_id = serializers.CharField()
    bags = BagSerializer(many=True)
    emds = EmdSerializer(many=True)
    boarding_passes = BoardingPassSerializer(many=True)
    travel_document = serializers.CharField(allow_null=True, help_text="Masked, such as P USA ••••6789.")


class TravelDocumentSerializer(serializers.Serializer):
    ticket_id = serializers.UUIDField()
    masked = serializers.CharField(help_text="Such as P USA ••••6789: the document itself is never shown again.")
    updated_at = serializers.DateTimeField()
