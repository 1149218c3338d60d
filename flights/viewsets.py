from django.utils import timezone
from drf_spectacular.utils import OpenApiExample

from flights import examples, serializers
from flights.documents import cabin_document, offer_document
from flights.models import Cabin
from flights.offers import flight_offers
from flights.search import search_flights
from orders.seats import seat_prices, swap_seats
from skybridge.api import ApiViewSet, operation, reply
from ticketing.seat_documents import passenger_seat_document, seat_map_document
from ticketing.seats import read_seats
from ticketing.serializers.tickets import PassengerSeatsSerializer, SeatSwapSerializer

OFFER = {
    "event_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11",
    "flightId": "UA1161",
    "carrier": "UA",
    "flight_number": 1161,
    "departureDate": "2026-12-01",
    "departureCity": "Newark",
    "destinationCity": "Los Angeles",
    "origin": "EWR",
    "destination": "LAX",
    "departureTime": "2026-12-01T07:00:00-05:00",
    "arrivalTime": "2026-12-01T10:10:00-08:00",
    "duration_minutes": 370,
    "aircraft_type": "737-924ER",
    "status": "scheduled",
    "cabin": "Y",
    "seatAvailability": 175,
    "price": 268.4,
    "currency": "USD",
    "fare_basis": "YXOW",
}
FARE_RULES = {
    "is_refundable": False,
    "is_changeable": True,
    "change_fee_amount": 99,
    "cancel_fee_amount": 99,
    "free_cancel_hours": 24,
    "free_cancel_days_ahead": 7,
    "void_same_day": True,
}
CABIN = {
    "cabin": "Y",
    "capacity": 179,
    "available": 175,
    "on_sale": True,
    "fare_basis": "YXOW",
    "fare_amount": 249.67,
    "taxes": [{"code": "US", "amount": 18.73, "refundable": False}],
    "price": 268.4,
    "currency": "USD",
    "fare_rules": FARE_RULES,
}
# Of a bare array an example is one row; drf-spectacular puts it into an array.
FOUND = OpenApiExample("A flight to Los Angeles", value=OFFER, response_only=True, status_codes=["200"])


class SearchFlightsViewSet(ApiViewSet):
    """The founding document's search."""

    @operation(
        "Search flights",
        query=serializers.SearchFlightsQuerySerializer,
        answers={200: serializers.OfferSerializer(many=True)},
        examples=[FOUND],
        tags=["Flights"],
        operation_id="searchFlights",
    )
    def list(self, request, query):
        """A bare array of the flights that can be sold; with `returnDate` the flights back follow."""
        search, at = serializers.SearchFlightsQuerySerializer.search(query), timezone.now()
        found, _ = search_flights(search, at=at)
        if "returnDate" in query:
            found += search_flights(search.reverse(query["returnDate"]), at=at)[0]
        return reply([offer_document(offer) for offer in found])


class FlightViewSet(ApiViewSet):
    @operation(
        "List flights",
        query=serializers.FlightQuerySerializer,
        answers={200: serializers.FlightPageSerializer},
        examples=[OpenApiExample("Page", value={"flights": [OFFER], "limit": 20, "next": None})],
        tags=["Flights"],
        operation_id="listFlights",
    )
    def list(self, request, query):
        """The flights that can be sold, from now on or on one date, by every filter, in pages."""
        search, at = serializers.FlightQuerySerializer.search(query), timezone.now()
        found, following = search_flights(search, at=at, limit=query["limit"], cursor=query.get("cursor", ""))
        page = {
            "flights": [offer_document(offer) for offer in found],
            "limit": query["limit"],
            "next": following,
        }
        if "return_date" in query:
            back, _ = search_flights(search.reverse(query["return_date"]), at=at, limit=query["limit"])
            page["return_flights"] = [offer_document(offer) for offer in back]
        return reply(page)

    @operation(
        "Retrieve a flight",
        answers={200: serializers.FlightDetailSerializer},
        refusals=[404],
        tags=["Flights"],
        operation_id="retrieveFlight",
        examples=[
            OpenApiExample("Flight", value=OFFER | {"cabins": [CABIN]}, response_only=True, status_codes=["200"])
        ],
    )
    def retrieve(self, request, flight_id):
        """One flight with the seats, price lines and fare rules of each cabin."""
        offers = flight_offers(flight_id, at=timezone.now())
        main = next((offer for offer in offers if offer.cabin == Cabin.ECONOMY), offers[-1])
        return reply(offer_document(main) | {"cabins": [cabin_document(offer) for offer in offers]})

    @operation(
        "Show a flight's seat map",
        answers={200: serializers.SeatMapSerializer},
        refusals=[404],
        tags=["Seats"],
        operation_id="retrieveSeatMap",
        examples=[examples.SEAT_MAP],
    )
    def seats(self, request, flight_id):
        """Every seat: where it is, whether it is free, and what it costs. Cabins and rows come from front to back."""
        seats = read_seats(flight_id, at=timezone.now())
        return reply(seat_map_document(seats, seat_prices()))

    @operation(
        "Swap two passengers' seats",
        body=SeatSwapSerializer,
        answers={200: PassengerSeatsSerializer},
        refusals=[404, 409],
        tags=["Seats"],
        operation_id="swapSeats",
        examples=[examples.SWAP, examples.SWAPPED],
    )
    def swap_seats(self, request, flight_id, data):
        """Let two passengers of a flight, of one of the caller's bookings or of two, swap seats. Again: swaps back."""
        coupons = swap_seats(flight_id, data["ticket_ids"], caller=request.user)
        return reply({"event_id": flight_id, "seats": [passenger_seat_document(coupon) for coupon in coupons]})
