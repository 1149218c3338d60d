"""Shapes of founding document 000's calls: a ticket, and check-in, in one call each."""

from typing import ClassVar

from rest_framework import serializers

from bookings.parties import passenger_called
from bookings.serializers import BookingSerializer, NameField
from flights.models import Cabin
from skybridge.strict import StrictCharField, StrictChoiceField, StrictDateField, StrictSerializer, StrictUUIDField
from ticketing.bcbp import Unencodable
from ticketing.bcbp.values import passenger_name
from ticketing.serializers.tickets import BoardingPassSerializer, OwnedTicketSerializer, SeatField


class PaxField(NameField):
    """A passenger in one line that a boarding pass can show: `Ada Lovelace`, `LOVELACE/ADA MS` or `Lovelace, Ada`."""

    default_error_messages: ClassVar = {
        "surname": "A name has a surname: Ada Lovelace, or LOVELACE/ADA MS.",
        "latin": "A boarding pass shows Latin letters only; write the name as the passport's lines for machines do.",
    }

    def to_internal_value(self, data):
        if not isinstance(data, str) or data.count("/") + data.count(",") > 1:
            return super().to_internal_value(data)
        super().to_internal_value(data.replace("/", " ").replace(",", " "))
        passenger = passenger_called(data)
        if not any(character.isalpha() for character in passenger.surname):
            self.fail("surname")
        try:
            passenger_name(passenger.surname, passenger.given_name, passenger.title)
        except Unencodable:
            self.fail("latin")
        return data.strip()


class IssueSerializer(StrictSerializer):
    pax = PaxField(max_length=60)
    flightId = StrictCharField(max_length=8, required=False)
    departureDate = StrictDateField(required=False)
    origin = StrictCharField(max_length=3, required=False, help_text="Where two flights of one number leave.")
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)
    booking_id = StrictUUIDField(required=False, help_text="A held booking, whose passenger this is, or an empty one.")
    user_id = StrictCharField(max_length=255, required=False, help_text="The agency's own customer.")

    def validate(self, attrs):
        named = {"flightId", "departureDate", "origin"} & attrs.keys()
        if "booking_id" in attrs and (beside := (named | {"user_id"}) & attrs.keys()):
            raise serializers.ValidationError({min(beside): "The booking says this already."})
        for name in ("flightId", "departureDate"):
            if named and name not in attrs:
                raise serializers.ValidationError({name: "A flight is named by flightId and departureDate."})
        return attrs


class IssuedSerializer(BookingSerializer):
    status = serializers.CharField(help_text="ISSUED; `booking_status` is the booking's own.")
    ticket_id = serializers.UUIDField()
    ticket_number = serializers.CharField(help_text="13 digits.")


class CheckInSerializer(StrictSerializer):
    missing_message = "{} required"

    order_id = StrictUUIDField()
    ticket_id = StrictUUIDField(required=False, help_text="One passenger of the order; without it, all.")
    seat = SeatField(required=False, help_text="Such as 12A; without it, any.")

    def to_internal_value(self, data):
        """An empty or null order_id is as good as none."""
        if isinstance(data, dict) and data.get("order_id", "") in ("", None):
            data = {name: value for name, value in data.items() if name != "order_id"}
        return super().to_internal_value(data)


class CheckedInSerializer(serializers.Serializer):
    order_id = serializers.UUIDField()
    status = serializers.CharField(help_text="CHECKED_IN")
    boarding_pass = BoardingPassSerializer(allow_null=True, help_text="The first; null for an open ticket.")
    boarding_passes = BoardingPassSerializer(many=True)
    tickets = OwnedTicketSerializer(many=True)


class BoardingPassListSerializer(serializers.Serializer):
    boarding_passes = BoardingPassSerializer(many=True)
