"""The doors of check-in: one ticket, a whole booking, bags, travel documents."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from orders import checkin, tickets
from orders.checkin import CheckedIn
from orders.passengers import check_in_document, ticket_details, travel_document_document
from partners.callers import Caller
from skybridge.api import ApiViewSet, operation, reply
from skybridge.versions import etag
from ticketing.examples import check_in as examples
from ticketing.serializers import check_in as serializers

CHECKED_IN = {200: serializers.CheckInSerializer}
TAGS = ["Check-in"]


class CheckInDoor(ApiViewSet):
    """What the doors of check-in share."""

    @property
    def caller(self) -> Caller:
        return self.request.user

    def answered(self, done: CheckedIn) -> HttpResponse:
        headers = {"ETag": etag(done.views[0].booking.version)}
        return reply(check_in_document(done, timezone.now()), headers=headers)


class TicketCheckInViewSet(CheckInDoor):
    @operation(
        "Check a passenger in",
        body=serializers.CheckInInputSerializer,
        answers=CHECKED_IN,
        refusals=[404, 409],
        examples=[examples.CHECK_IN, examples.CHECKED_IN],
        tags=TAGS,
    )
    def check_in(self, request, ticket_id, data):
        """On the flight named, else on the next one and on those after it whose check-in is open.

        The answer has the boarding passes. Again: the same answer; another seat or more bags make the pass anew.
        """
        wish = serializers.wish_of(UUID(ticket_id), data)
        done = checkin.check_in_ticket(wish, event_id=data.get("event_id"), caller=self.caller, at=timezone.now())
        return self.answered(done)

    @operation(
        "Undo a check-in",
        query=serializers.FlightQuerySerializer,
        answers=CHECKED_IN,
        refusals=[404, 409],
        examples=[examples.TAKEN_OFF],
        tags=TAGS,
    )
    def undo(self, request, ticket_id, query):
        """The boarding passes end, the bags are removed, the seat stays. After boarding for staff only."""
        event_id = query.get("event_id")
        done = checkin.undo_check_in(UUID(ticket_id), event_id=event_id, caller=self.caller, at=timezone.now())
        return self.answered(done)

    @operation(
        "Retrieve a ticket",
        answers={200: serializers.TicketDetailsSerializer},
        refusals=[404],
        examples=[examples.TICKET_DETAILS],
        tags=["Tickets"],
    )
    def retrieve(self, request, ticket_id):
        """The ticket with its coupons, EMDs, checked bags and good boarding passes."""
        return reply(ticket_details(tickets.read_ticket(UUID(ticket_id), caller=self.caller), timezone.now()))


class BookingCheckInViewSet(CheckInDoor):
    @operation(
        "Check a booking in",
        body=serializers.GroupCheckInSerializer,
        answers=CHECKED_IN,
        refusals=[404, 409],
        examples=[examples.GROUP_CHECK_IN, examples.CHECKED_IN],
        tags=TAGS,
    )
    def check_in(self, request, booking_id, data):
        """All passengers, or those named: all of them, seated together, or nobody."""
        wishes = [serializers.wish_of(named["ticket_id"], named) for named in data.get("passengers", ())]
        done = checkin.check_in_booking(
            UUID(booking_id), wishes, event_id=data.get("event_id"), caller=self.caller, at=timezone.now()
        )
        return self.answered(done)


class BagViewSet(CheckInDoor):
    @operation(
        "Check bags in",
        body=serializers.BagsInputSerializer,
        answers=CHECKED_IN,
        refusals=[404, 409],
        examples=[examples.BAGS, examples.CHECKED_IN],
        tags=TAGS,
    )
    def create(self, request, ticket_id, data):
        """More bags of somebody who is checked in, each with the next tag number; the boarding pass is made anew."""
        weights, event_id = serializers.weights_of(data), data.get("event_id")
        done = tickets.check_bags(UUID(ticket_id), weights, event_id=event_id, caller=self.caller, at=timezone.now())
        return self.answered(done)

    @operation(
        "Take a bag off",
        answers=CHECKED_IN,
        refusals=[404, 409],
        examples=[examples.WITHOUT_BAGS],
        tags=TAGS,
    )
    def destroy(self, request, ticket_id, tag_number):
        """The bag is removed and the boarding pass made anew. After boarding staff only."""
        done = tickets.take_bag_off(UUID(ticket_id), tag_number, caller=self.caller, at=timezone.now())
        return self.answered(done)


class TravelDocumentViewSet(CheckInDoor):
    @operation(
        "Keep a travel document",
        body=serializers.TravelDocumentInputSerializer,
        answers={200: serializers.TravelDocumentSerializer},
        refusals=[404, 409],
        examples=[examples.DOCUMENT, examples.MASKED],
        tags=TAGS,
    )
    def update(self, request, ticket_id, data):
        """A passport or identity card, in place of another one. It is encrypted, and deleted after the last flight."""
        document = serializers.document_of(data)
        kept = tickets.keep_travel_document(UUID(ticket_id), document, caller=self.caller, at=timezone.now())
        return reply(travel_document_document(kept))

    @operation(
        "Retrieve a travel document",
        answers={200: serializers.TravelDocumentSerializer},
        refusals=[404],
        examples=[examples.MASKED],
        tags=TAGS,
    )
    def retrieve(self, request, ticket_id):
        """Masked: only its kind, its country and the end of its number."""
        return reply(travel_document_document(tickets.read_travel_document(UUID(ticket_id), caller=self.caller)))
