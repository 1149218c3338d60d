"""Shapes of tickets and coupons in answers."""

from typing import Any

from rest_framework import serializers

from flights.models import Cabin
from flights.serializers import FareRulesSerializer, TaxSerializer
from skybridge.strict import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictSerializer,
    StrictUUIDField,
)
from ticketing.models import Coupon, Emd, PassengerType
from ticketing.symbols import Symbology


class SoldFareRulesSerializer(FareRulesSerializer):
    """What giving a coupon up or changing it costs."""

    involuntary_until = serializers.DateTimeField(
        allow_null=True, help_text="Its flight was disrupted: until then everything goes back."
    )


class CouponSerializer(serializers.Serializer):
    coupon_id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    event_id = serializers.UUIDField(allow_null=True)
    flightId = serializers.CharField(allow_null=True)
    departureDate = serializers.DateField(allow_null=True)
    cabin = serializers.CharField()
    status = serializers.ChoiceField(Coupon.Status.choices)
    seat = serializers.CharField(allow_null=True, help_text="Such as 12A, once chosen or assigned.")
    checked_in_at = serializers.DateTimeField(allow_null=True)
    boarded_at = serializers.DateTimeField(allow_null=True)
    is_no_show = serializers.BooleanField(help_text="The flight has left, or was closed, without the passenger.")
    fare_basis = serializers.CharField()
    fare_amount = serializers.FloatField()
    taxes = TaxSerializer(many=True)
    total_amount = serializers.FloatField()
    currency = serializers.CharField()
    fare_rules = SoldFareRulesSerializer(help_text="As they were at the sale.")


class TicketSerializer(serializers.Serializer):
    ticket_id = serializers.UUIDField()
    booking_id = serializers.UUIDField()
    number = serializers.CharField(allow_null=True, help_text="13 digits, once issued.")
    displayed_number = serializers.CharField(allow_null=True, help_text="The same for people: 012-1373147367.")
    check_digit = serializers.IntegerField(allow_null=True, help_text="The number's 13 digits modulo 7.")
    status = serializers.CharField(help_text="held, issued, checked_in, boarded, flown, exchanged, refunded or void.")
    passenger_type = serializers.ChoiceField(PassengerType.choices)
    surname = serializers.CharField()
    given_name = serializers.CharField()
    title = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    issued_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    coupons = CouponSerializer(many=True)


class OwnedTicketSerializer(TicketSerializer):
    user_id = serializers.CharField()
    booking_status = serializers.CharField()


class SeatField(StrictCharField):
    """A seat number such as 12A, in any case."""

    def __init__(self, **kwargs):
        super().__init__(**{"max_length": 4, **kwargs})

    def to_internal_value(self, data):
        return super().to_internal_value(data).upper()


class OneFlightSerializer(StrictSerializer):
    event_id = StrictUUIDField(required=False, help_text="Where the ticket has several flights.")


class SeatChoiceSerializer(OneFlightSerializer):
    seat = SeatField(help_text="Such as 12A.")


class TicketSeatSerializer(StrictSerializer):
    ticket_id = StrictUUIDField()
    seat = SeatField(help_text="Such as 12A.")


class PartySeatsSerializer(StrictSerializer):
    """The seats that passengers want on one flight; with `assign_rest` the others get seats with them."""

    event_id = StrictUUIDField(help_text="The flight.")
    seats: Any = serializers.ListSerializer(child=TicketSeatSerializer(), required=False, max_length=9)
    assign_rest = StrictBooleanField(default=False, help_text="Seats also for those who have none.")

    def validate(self, attrs):
        seats = attrs.get("seats", ())
        if not seats and not attrs["assign_rest"]:
            raise serializers.ValidationError("Say which seats, or assign_rest.")
        if len({seat["ticket_id"] for seat in seats}) < len(seats):
            raise serializers.ValidationError({"seats": "A ticket is named twice."})
        return attrs


class SeatSwapSerializer(StrictSerializer):
    ticket_ids = serializers.ListField(child=StrictUUIDField(), min_length=2, max_length=2)

    def validate_ticket_ids(self, value):
        if value[0] == value[1]:
            raise serializers.ValidationError("Name two tickets.")
        return value


class PassengerSeatSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField()
    ticket_id = serializers.UUIDField()
    coupon_id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    cabin = serializers.CharField()
    status = serializers.ChoiceField(Coupon.Status.choices)
    seat = serializers.CharField(allow_null=True)


class PassengerSeatsSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()
    seats = PassengerSeatSerializer(many=True)


class AvailableQuerySerializer(StrictSerializer):
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)


class AvailableSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()
    available = serializers.IntegerField()


class BoardingPassLinksSerializer(serializers.Serializer):
    page = serializers.CharField(help_text="To print: one sheet.")
    phone = serializers.CharField(help_text="To show at the gate.")
    pdf = serializers.CharField()
    svg = serializers.CharField(help_text="The symbol; with ?symbology=pdf417, aztec or qr.")
    png = serializers.CharField(help_text="The symbol; with ?symbology=pdf417, aztec or qr.")


class BoardingPassSerializer(serializers.Serializer):
    boarding_pass_id = serializers.UUIDField()
    ticket_id = serializers.UUIDField()
    coupon_id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    flightId = serializers.CharField()
    departureDate = serializers.DateField()
    origin = serializers.CharField()
    destination = serializers.CharField()
    departureTime = serializers.DateTimeField(help_text="With the airport's offset.")
    boardingTime = serializers.DateTimeField(help_text="When passengers are called, with the airport's offset.")
    gate = serializers.CharField(allow_null=True)
    seat = serializers.CharField(allow_null=True, help_text="None for an infant on a lap.")
    cabin = serializers.CharField()
    sequence_number = serializers.IntegerField()
    passenger_name = serializers.CharField(help_text="As it is signed: SURNAME/GIVEN TITLE, at most 20 letters.")
    surname = serializers.CharField()
    given_name = serializers.CharField()
    record_locator = serializers.CharField()
    ticket_number = serializers.CharField()
    barcode = serializers.CharField(help_text="The text of the symbol (IATA BCBP), signed.")
    status = serializers.CharField(
        help_text="good; of a coupon given up refunded, void or exchanged; else why it ended: reissued, offloaded, "
        "flight_changed or no_show."
    )
    issued_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    links = BoardingPassLinksSerializer(help_text="Good without credentials for whoever has them.")


class BoardingPassesQuerySerializer(StrictSerializer):
    all = serializers.BooleanField(default=False, help_text="Those that have ended, too.")


class SymbolQuerySerializer(StrictSerializer):
    symbology = StrictChoiceField(list(Symbology), default=Symbology.PDF417)


class EmdSerializer(serializers.Serializer):
    """An electronic miscellaneous document: a product sold to one passenger."""

    emd_id = serializers.UUIDField()
    number = serializers.CharField(allow_null=True, help_text="13 digits, once issued.")
    displayed_number = serializers.CharField(allow_null=True)
    check_digit = serializers.IntegerField(allow_null=True)
    type = serializers.ChoiceField(Emd.Type.choices)
    product_id = serializers.CharField()
    description = serializers.CharField()
    quantity = serializers.IntegerField()
    amount = serializers.FloatField(help_text="Of all pieces.")
    currency = serializers.CharField()
    rfic = serializers.CharField(help_text="Reason for issuance code, such as C: baggage.")
    rfisc = serializers.CharField(help_text="Reason for issuance sub-code, such as 0CC: first bag.")
    status = serializers.ChoiceField(Emd.Status.choices, help_text="As its coupon's.")
    ticket_id = serializers.UUIDField()
    coupon_id = serializers.UUIDField(allow_null=True)
    event_id = serializers.UUIDField(allow_null=True)
    issued_at = serializers.DateTimeField(allow_null=True)
