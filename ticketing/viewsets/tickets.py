"""Founding document 003's tickets: a user's, an event's, and how many are left."""

from uuid import UUID

from django.utils import timezone

from bookings.documents import read_bookings, tickets_of
from bookings.models import Booking
from flights.offers import flight_offers
from orders import seats
from skybridge.api import ApiViewSet, operation, reply
from skybridge.exceptions import NotFound
from skybridge.pagination import PageQuerySerializer
from ticketing.examples.tickets import AVAILABLE, NO_SEAT, SEAT, SEAT_CHOICE, TICKETS
from ticketing.seat_documents import passenger_seat_document
from ticketing.serializers import tickets as serializers

MANY = {200: serializers.OwnedTicketSerializer(many=True)}


class TicketViewSet(ApiViewSet):
    @operation(
        "List a user's tickets", query=PageQuerySerializer, answers=MANY, refusals=[404], examples=[TICKETS],
        tags=["Tickets"],
    )  # fmt: skip
    def by_user(self, request, user_id, query):
        """A bare array of the tickets of a page of the user's bookings; `Link` leads to the next page."""
        if not request.user.may_name(user_id):
            raise NotFound
        ids, following = Booking.objects.filter(user_id=user_id).visible_to(request.user).page(query)
        return reply(tickets_of(read_bookings(ids), timezone.now()), headers=self.next_link(following))

    @operation("List an event's tickets", answers=MANY, refusals=[404], examples=[TICKETS], tags=["Tickets"])
    def by_event(self, request, event_id):
        """All tickets of a flight for staff, the own ones for others: a bare array."""
        flight_offers(event_id, at=timezone.now())
        bookings = Booking.objects.on_flight(event_id).visible_to(request.user)
        return reply(self.tickets_on(bookings, event_id))

    @operation("List a user's tickets of an event", answers=MANY, refusals=[404], examples=[TICKETS], tags=["Tickets"])
    def by_user_and_event(self, request, user_id, event_id):
        """The user's tickets on one flight: a bare array."""
        if not request.user.may_name(user_id):
            raise NotFound
        flight_offers(event_id, at=timezone.now())
        bookings = Booking.objects.filter(user_id=user_id).on_flight(event_id).visible_to(request.user)
        return reply(self.tickets_on(bookings, event_id))

    def tickets_on(self, bookings, event_id) -> list[dict]:
        views = read_bookings(bookings.values_list("pk", flat=True))
        return tickets_of(views, timezone.now(), event_id=str(event_id))

    @operation(
        "Count an event's available tickets",
        query=serializers.AvailableQuerySerializer,
        answers={200: serializers.AvailableSerializer},
        refusals=[404],
        examples=[AVAILABLE],
        tags=["Tickets"],
    )
    def available(self, request, event_id, query):
        """How many seats of a cabin can be held now; none on a flight that is not on sale."""
        at = timezone.now()
        offers = [o for o in flight_offers(event_id, at=at) if o.cabin == query["cabin"] and o.is_open(at)]
        return reply({"event_id": event_id, "available": sum(offer.available for offer in offers)})


class SeatViewSet(ApiViewSet):
    """A passenger's seat on one flight."""

    @operation(
        "Choose a seat",
        body=serializers.SeatChoiceSerializer,
        answers={200: serializers.PassengerSeatSerializer},
        refusals=[404, 409],
        examples=[SEAT_CHOICE, SEAT],
        tags=["Seats"],
    )
    def choose(self, request, ticket_id, data):
        """Take a free seat of the ticket's cabin instead of the one before, until boarding.

        A seat with a price needs its product, ordered for this ticket and flight. Who is checked in gets a new boarding
        pass.
        """
        flight_id = data.get("event_id")
        coupon = seats.choose_seat(UUID(ticket_id), data["seat"], flight_id=flight_id, caller=request.user)
        return reply(passenger_seat_document(coupon))

    @operation(
        "Give a seat up",
        query=serializers.OneFlightSerializer,
        answers={200: serializers.PassengerSeatSerializer},
        refusals=[404, 409],
        examples=[NO_SEAT],
        tags=["Seats"],
    )
    def give_up(self, request, ticket_id, query):
        """The seat is free for others; not after check-in. Again: the same answer."""
        coupon = seats.give_up_seat(UUID(ticket_id), flight_id=query.get("event_id"), caller=request.user)
        return reply(passenger_seat_document(coupon))
