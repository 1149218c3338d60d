"""Shapes of tickets and coupons in answers."""

from rest_framework import serializers

from flights.models import Cabin
from flights.serializers import FareRulesSerializer, TaxSerializer
from skybridge.strict import StrictChoiceField, StrictSerializer
from ticketing.models import Coupon, Emd, PassengerType
from ticketing.symbols import Symbology


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
    fare_rules = FareRulesSerializer(help_text="As they were at the sale.")


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
    boardingTime = serializers.DateTimeField(help_text="When boarding opens, with the airport's offset.")
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
    status = serializers.CharField(help_text="good, or why it ended: reissued, offloaded, flight_changed or no_show.")
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
