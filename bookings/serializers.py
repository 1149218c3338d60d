"""Shapes of the bookings' calls. Input is strict; the answers' shapes are `bookings/documents.py`'s."""

from typing import Any, ClassVar

from rest_framework import serializers

from bookings.contacts import PHONE_HINT, phone_digits
from bookings.models import Booking, Quote
from bookings.parties import MAX_SEATS, is_name
from flights.models import Cabin
from flights.serializers import FlightSerializer
from orders.disruption.finding import CONCERNS
from skybridge.pagination import PageQuerySerializer, PageSerializer
from skybridge.strict import (
    StrictCharField,
    StrictChoiceField,
    StrictDateField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from ticketing.models import PassengerType
from ticketing.serializers.tickets import SeatField, TicketSerializer


def listed(shape: type[StrictSerializer], *, most: int) -> Any:
    """Return an optional list field of a shape."""
    return serializers.ListSerializer(child=shape(), required=False, allow_empty=False, max_length=most)


class NameField(StrictCharField):
    """A name as in the passport: letters of any script, and what stands between them."""

    default_error_messages: ClassVar = {"letters": "A name has letters, blanks, hyphens, apostrophes and full stops."}

    def to_internal_value(self, data):
        name = super().to_internal_value(data)
        if not is_name(name):
            self.fail("letters")
        return name


class NameSerializer(StrictSerializer):
    surname = NameField(max_length=60, required=False, allow_blank=True)
    given_name = NameField(max_length=60, required=False, allow_blank=True)
    title = NameField(max_length=10, required=False, allow_blank=True)
    birth_date = StrictDateField(required=False, allow_null=True)


class PassengerSerializer(NameSerializer):
    """A passenger; names may be given later, until check-in."""

    passenger_type = StrictChoiceField(PassengerType.choices, default=PassengerType.ADULT)


class SeatedPassengerSerializer(PassengerSerializer):
    """A passenger who may choose a seat, where the booking has one flight."""

    seat = SeatField(required=False, help_text="Such as 12A; see the flight's seat map.")


class PassengerNameSerializer(NameSerializer):
    """New names for the ticket named, or else for the passenger at this place of the list."""

    ticket_id = StrictUUIDField(required=False)


class SegmentSerializer(StrictSerializer):
    """A flight: by `event_id`, or by `flightId` and `departureDate` (and `origin` where two leave)."""

    event_id = StrictUUIDField(required=False)
    flightId = StrictCharField(max_length=8, required=False)
    departureDate = StrictDateField(required=False)
    origin = StrictCharField(max_length=3, required=False)
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)

    def validate(self, attrs):
        if "event_id" not in attrs and not {"flightId", "departureDate"} <= attrs.keys():
            raise serializers.ValidationError("Name a flight by event_id, or by flightId and departureDate.")
        return attrs


class PhoneField(StrictCharField):
    """A telephone number with its country code; kept as its digits."""

    default_error_messages: ClassVar = {"phone": PHONE_HINT}

    def to_internal_value(self, data):
        try:
            return phone_digits(super().to_internal_value(data))
        except ValueError:
            self.fail("phone")


class ContactSerializer(StrictSerializer):
    """How to reach whoever booked."""

    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = PhoneField(required=False, allow_blank=True, max_length=40, help_text=PHONE_HINT)


class PassengersSerializer(StrictSerializer):
    passengers = listed(PassengerSerializer, most=2 * MAX_SEATS)

    def validate(self, attrs):
        passengers = attrs.get("passengers")
        if passengers is not None and "seats" in attrs:
            seated = sum(p["passenger_type"] != PassengerType.INFANT for p in passengers)
            if seated != attrs["seats"]:
                message = f"{attrs['seats']} seats for {seated} passengers who need one."
                raise serializers.ValidationError({"passengers": message})
        return attrs


class PartySerializer(PassengersSerializer):
    seats = StrictIntegerField(min_value=1, max_value=MAX_SEATS, required=False)


def with_flight_for_party(attrs: dict) -> dict:
    """Refuse seats or passengers of a booking that has no flight for them."""
    for name in ("seats", "passengers"):
        if name in attrs and not attrs.get("flights"):
            raise serializers.ValidationError({name: "There is no flight to hold seats on; name flights too."})
    return attrs


class BookFlightSerializer(PassengersSerializer):
    missing_message = "Missing required fields: {}"

    userId = StrictCharField(max_length=255)
    flightId = StrictCharField(max_length=8)
    seats = StrictIntegerField(min_value=1, max_value=MAX_SEATS)
    departureDate = StrictDateField()
    origin = StrictCharField(max_length=3, required=False)
    cabin = serializers.ChoiceField(Cabin.choices, default=Cabin.ECONOMY)


class CancelSerializer(StrictSerializer):
    missing_message = "Missing required fields: {}"

    bookingId = StrictUUIDField()


class UpdateSerializer(StrictSerializer):
    missing_message = "Missing required fields: {}"

    bookingId = StrictUUIDField()
    seats = StrictIntegerField(min_value=1, max_value=MAX_SEATS, required=False)
    departureDate = StrictDateField(required=False)
    flightId = StrictCharField(max_length=8, required=False, help_text="Which flight moves, where there are several.")

    def validate(self, attrs):
        if not {"seats", "departureDate"} & attrs.keys():
            raise serializers.ValidationError("Say what is to change: seats or departureDate.")
        return attrs


class AgencyBookingSerializer(PartySerializer):
    """An agency's booking: empty, or on one flight, or on several."""

    agency = StrictCharField(max_length=100, required=False, help_text="The key's own agency.")
    userId = StrictCharField(max_length=255, required=False, help_text="The agency's own customer.")
    flightId = StrictCharField(max_length=8, required=False)
    departureDate = StrictDateField(required=False)
    origin = StrictCharField(max_length=3, required=False)
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)
    flights = listed(SegmentSerializer, most=4)

    def validate(self, attrs):
        attrs = super().validate(attrs)
        named = {"flightId", "departureDate"} & attrs.keys()
        if len(named) == 1:
            [other] = {"flightId", "departureDate"} - named
            raise serializers.ValidationError({other: serializers.ErrorDetail("This field is required.", "required")})
        if named and attrs.get("flights"):
            raise serializers.ValidationError({"flights": "Give flightId or flights, not both."})
        return attrs if named else with_flight_for_party(attrs)


class ManagedBookingSerializer(StrictSerializer):
    event_id = StrictUUIDField(help_text="A flight's id.")
    ticket_quantity = StrictIntegerField(min_value=1, max_value=MAX_SEATS)
    user_id = StrictCharField(max_length=255, required=False)
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)
    passengers = listed(PassengerSerializer, most=2 * MAX_SEATS)


class NewBookingSerializer(PartySerializer):
    flights = listed(SegmentSerializer, most=4)
    passengers = listed(SeatedPassengerSerializer, most=2 * MAX_SEATS)
    user_id = StrictCharField(max_length=255, required=False)
    contact = ContactSerializer(required=False)

    def validate(self, attrs):
        chosen = any("seat" in passenger for passenger in attrs.get("passengers", ()))
        if chosen and len(attrs.get("flights", ())) > 1:
            raise serializers.ValidationError({"passengers": "Seats on several flights are chosen afterwards."})
        return with_flight_for_party(super().validate(attrs))


class BookingChangeSerializer(StrictSerializer):
    """What is to change. `flights` go into an empty booking, or one flight into a booking of open tickets."""

    flights = listed(SegmentSerializer, most=4)
    seats = StrictIntegerField(min_value=1, max_value=MAX_SEATS, required=False)
    departureDate = StrictDateField(required=False)
    flightId = StrictCharField(max_length=8, required=False, help_text="Which flight moves, where there are several.")
    passengers = listed(PassengerNameSerializer, most=2 * MAX_SEATS)
    contact = ContactSerializer(required=False, help_text="What is left out stays as it is.")

    def validate(self, attrs):
        if not attrs:
            raise serializers.ValidationError("Say what is to change.")
        if "flights" in attrs and (beside := {"departureDate", "flightId"} & attrs.keys()):
            raise serializers.ValidationError({beside.pop(): "Flights of an empty booking bring their own dates."})
        return attrs


class CancellationSerializer(StrictSerializer):
    """What is cancelled: these tickets, on these flights. Without both: the whole booking."""

    ticket_ids = serializers.ListField(
        child=StrictUUIDField(), required=False, allow_empty=False, max_length=2 * MAX_SEATS, help_text="Default: all."
    )
    flights = serializers.ListField(
        child=StrictUUIDField(), required=False, allow_empty=False, max_length=4, help_text="event_ids; default: all."
    )


class BookingQuerySerializer(PageQuerySerializer):
    status = StrictChoiceField(Booking.Status.choices, required=False)
    user_id = StrictCharField(max_length=255, required=False)
    record_locator = StrictCharField(max_length=6, required=False)
    event_id = StrictUUIDField(required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    disruption = StrictChoiceField(
        CONCERNS,
        required=False,
        help_text="Only confirmed bookings which can still choose after a disruption and have to (`waiting`), or which "
        "it gave other flights in the last 7 days and which have not decided since (`rebooked`).",
    )


class PriceLineSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="FARE or a tax code.")
    amount = serializers.FloatField()
    currency = serializers.CharField()


class ContactShownSerializer(serializers.Serializer):
    email = serializers.CharField()
    phone = serializers.CharField(help_text="With + and country code.")


class BookingSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField()
    bookingId = serializers.UUIDField()
    record_locator = serializers.CharField()
    status = serializers.CharField()
    booking_status = serializers.ChoiceField(Booking.Status.choices)
    agency = serializers.CharField(allow_null=True)
    user_id = serializers.CharField()
    userId = serializers.CharField()
    contact = ContactShownSerializer()
    order_id = serializers.UUIDField(allow_null=True, help_text="The order that sells it.")
    event_id = serializers.UUIDField(allow_null=True, help_text="Its first flight.")
    seats = serializers.IntegerField()
    ticket_quantity = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    total_amount = serializers.FloatField()
    refunded_amount = serializers.FloatField()
    currency = serializers.CharField()
    price_lines = PriceLineSerializer(many=True)
    flights = FlightSerializer(many=True)
    tickets = TicketSerializer(many=True)
    available_actions = serializers.ListField(child=serializers.ChoiceField(list(Booking.ACTIONS.values())))


class QuoteLineSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="FARE, a tax code, or PENALTY.")
    amount = serializers.FloatField(help_text="Positive: to be paid. Negative: goes back.")


class QuoteSerializer(serializers.Serializer):
    """What a cancellation or change costs. The lines add up to `due_amount` less `refund_amount`."""

    quote_id = serializers.UUIDField()
    booking_id = serializers.UUIDField()
    kind = serializers.ChoiceField(Quote.Kind.choices)
    status = serializers.CharField(help_text="open, confirmed, superseded or expired.")
    due_amount = serializers.FloatField(help_text="To be paid; 0 when money goes back.")
    refund_amount = serializers.FloatField(help_text="Goes back.")
    penalty_amount = serializers.FloatField(help_text="Cancel and change fees, in the sums already.")
    kept_amount = serializers.FloatField(help_text="Value that is given up and does not go back.")
    currency = serializers.CharField()
    lines = QuoteLineSerializer(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class QuotedBookingSerializer(BookingSerializer):
    quote = QuoteSerializer()


class MessageBookingSerializer(BookingSerializer):
    message = serializers.CharField()


class BookingPageSerializer(PageSerializer):
    bookings = BookingSerializer(many=True)


class EventBookingsSerializer(serializers.Serializer):
    """A flight with the user's bookings on it."""

    event_id = serializers.UUIDField(allow_null=True)
    title = serializers.CharField()
    date = serializers.DateField(allow_null=True)
    bookings = BookingSerializer(many=True)
