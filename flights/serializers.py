"""Shapes of the flights' calls: what they take and, for the documentation, what they answer."""

from rest_framework import serializers

from flights.models import Cabin
from flights.search import SORTS, Search
from skybridge.pagination import PageQuerySerializer, PageSerializer
from skybridge.strict import StrictCharField, StrictChoiceField, StrictDateField, StrictIntegerField, StrictSerializer

PLACE = "City name (any case, accents optional) or IATA code."


class FilterSerializer(StrictSerializer):
    """The filters that both searches have."""

    seats = StrictIntegerField(min_value=1, max_value=9, default=1)
    carrier = StrictCharField(max_length=3, required=False)
    cabin = StrictChoiceField(Cabin.choices, default=Cabin.ECONOMY)
    max_price = serializers.DecimalField(12, 4, min_value=0, required=False, help_text="Per adult, with taxes.")
    departs_after = serializers.TimeField(required=False, help_text="Local wall-clock time.")
    departs_before = serializers.TimeField(required=False, help_text="Local wall-clock time.")
    sort = StrictChoiceField(list(SORTS), default="departure")
    include_unavailable = serializers.BooleanField(
        default=False, help_text="Also flights that are full, closed, cancelled or gone."
    )


FILTERS = ("seats", "carrier", "cabin", "max_price", "departs_after", "departs_before", "sort")


def filters_of(query: dict) -> dict:
    return {name: query[name] for name in FILTERS if name in query} | {"everything": query["include_unavailable"]}


class SearchFlightsQuerySerializer(FilterSerializer):
    missing_message = "Missing required fields: {}"

    departureCity = StrictCharField(max_length=80, help_text=PLACE)
    destinationCity = StrictCharField(max_length=80, help_text=PLACE)
    departureDate = StrictDateField(help_text="Local to the departure airport.")
    returnDate = StrictDateField(required=False, help_text="Adds the flights back on that date.")

    def validate(self, attrs):
        check_return(attrs, "departureDate", "returnDate")
        return attrs

    @staticmethod
    def search(query: dict) -> Search:
        return Search(
            origin=query["departureCity"],
            destination=query["destinationCity"],
            departure_date=query["departureDate"],
            **filters_of(query),
        )


class FlightQuerySerializer(FilterSerializer, PageQuerySerializer):
    origin = StrictCharField(max_length=80, required=False, help_text=PLACE)
    destination = StrictCharField(max_length=80, required=False, help_text=PLACE)
    departure_date = StrictDateField(required=False, help_text="Local to the departure airport.")
    return_date = StrictDateField(required=False, help_text="Adds `return_flights`, the first page of them.")
    flight_number = StrictIntegerField(min_value=1, max_value=9999, required=False)

    def validate(self, attrs):
        check_return(attrs, "departure_date", "return_date")
        if attrs["sort"] != "departure" and "departure_date" not in attrs:
            raise serializers.ValidationError(
                {"sort": "Say departure_date too; without one, flights come by departure."}
            )
        if "return_date" in attrs and not {"origin", "destination"} <= attrs.keys():
            raise serializers.ValidationError({"return_date": "A way back needs origin and destination."})
        return attrs

    @staticmethod
    def search(query: dict) -> Search:
        places = ("origin", "destination", "departure_date", "flight_number")
        return Search(**{name: query[name] for name in places if name in query}, **filters_of(query))


def check_return(attrs: dict, out: str, back: str) -> None:
    if back in attrs and out in attrs and attrs[back] < attrs[out]:
        raise serializers.ValidationError({back: "The way back is before the way out."})


class FlightSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()
    flightId = serializers.CharField()
    carrier = serializers.CharField()
    flight_number = serializers.IntegerField()
    departureDate = serializers.DateField()
    departureCity = serializers.CharField()
    destinationCity = serializers.CharField()
    origin = serializers.CharField()
    destination = serializers.CharField()
    departureTime = serializers.DateTimeField(help_text="With the airport's offset.")
    arrivalTime = serializers.DateTimeField(help_text="With the airport's offset.")
    duration_minutes = serializers.IntegerField()
    aircraft_type = serializers.CharField()
    status = serializers.CharField()


class OfferSerializer(FlightSerializer):
    cabin = serializers.CharField()
    seatAvailability = serializers.IntegerField()
    price = serializers.FloatField(help_text="Per adult, with taxes.")
    currency = serializers.CharField()
    fare_basis = serializers.CharField()


class TaxSerializer(serializers.Serializer):
    code = serializers.CharField()
    amount = serializers.FloatField()
    refundable = serializers.BooleanField()


class FareRulesSerializer(serializers.Serializer):
    """What a cancellation or change costs. Fees are per passenger and flight, in the fare's currency."""

    is_refundable = serializers.BooleanField(help_text="Else only refundable taxes go back.")
    is_changeable = serializers.BooleanField()
    change_fee_amount = serializers.FloatField()
    cancel_fee_amount = serializers.FloatField(help_text="Of a refundable fare; never more than the fare.")
    free_cancel_hours = serializers.IntegerField(help_text="Everything goes back within these hours of ticketing,")
    free_cancel_days_ahead = serializers.IntegerField(help_text="if issued at least these days before departure.")
    void_same_day = serializers.BooleanField(help_text="Everything goes back on the day of issue (UTC).")


class CabinSerializer(serializers.Serializer):
    cabin = serializers.CharField()
    capacity = serializers.IntegerField()
    available = serializers.IntegerField()
    on_sale = serializers.BooleanField()
    fare_basis = serializers.CharField()
    fare_amount = serializers.FloatField()
    taxes = TaxSerializer(many=True)
    price = serializers.FloatField()
    currency = serializers.CharField()
    fare_rules = FareRulesSerializer()


class FlightDetailSerializer(OfferSerializer):
    cabins = CabinSerializer(many=True)


class FlightPageSerializer(PageSerializer):
    flights = OfferSerializer(many=True)
    return_flights = OfferSerializer(many=True, required=False)


class SeatSerializer(serializers.Serializer):
    number = serializers.CharField()
    letter = serializers.CharField()
    status = serializers.ChoiceField(["free", "taken", "blocked"])
    is_exit = serializers.BooleanField()
    characteristics = serializers.ListField(child=serializers.CharField(), help_text="IATA PADIS code set 9825.")
    product_id = serializers.CharField(allow_null=True, help_text="What to order for this seat; null: it is free.")
    price = serializers.FloatField(allow_null=True)
    currency = serializers.CharField(allow_null=True)


class SeatRowSerializer(serializers.Serializer):
    row = serializers.IntegerField()
    is_exit = serializers.BooleanField()
    seats = SeatSerializer(many=True)


class CabinMapSerializer(serializers.Serializer):
    cabin = serializers.CharField()
    letters = serializers.CharField(help_text="Columns from port to starboard; - is an aisle.")
    capacity = serializers.IntegerField()
    free = serializers.IntegerField(help_text="Seats that nobody has chosen; all of them may be sold.")
    rows = SeatRowSerializer(many=True)


class CharacteristicSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class SeatMapSerializer(serializers.Serializer):
    event_id = serializers.UUIDField()
    flightId = serializers.CharField()
    departureDate = serializers.DateField()
    aircraft_type = serializers.CharField()
    layout = serializers.CharField(help_text="The type whose layout it is; empty: by size.")
    cabins = CabinMapSerializer(many=True)
    characteristics = CharacteristicSerializer(many=True)
