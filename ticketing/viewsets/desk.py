"""Founding document 000: issue a ticket and check it in, in one call each; and a ticket's boarding passes."""

from django.utils import timezone

from bookings.documents import booking_document, tickets_of
from bookings.parties import passenger_called
from bookings.selling import owner, wish_of
from orders import issuing
from orders.checkin import check_in_order
from orders.passes import passes_of_ticket
from skybridge.api import ApiViewSet, operation, reply
from skybridge.versions import etag
from ticketing.documents import boarding_pass_document
from ticketing.examples.desk import CHECK_IN, CHECKED_IN, ISSUE, ISSUED, OPEN_TICKET, PASSES
from ticketing.serializers import desk as serializers
from ticketing.serializers.tickets import BoardingPassesQuerySerializer


class DeskViewSet(ApiViewSet):
    @operation(
        "Issue a ticket",
        body=serializers.IssueSerializer,
        answers={201: serializers.IssuedSerializer},
        refusals=[404, 409],
        examples=[OPEN_TICKET, ISSUE, ISSUED],
        tags=["Check-in"],
        operation_id="issueTicket",
    )
    def issue(self, request, data):
        """Sell a ticket on an order of its own and issue it: on a flight, of a held booking, or open.

        An open ticket has no flight yet and costs nothing; `PATCH /api/v1/bookings/{booking_id}` with one flight in
        `flights` sets it, at the price of that moment. With `booking_id` the booking's first passenger without a name
        gets this one, and the booking is confirmed; an empty booking gets an open ticket.
        """
        issued = self.issued(data)
        ticket = {"ticket_id": issued.ticket.id, "ticket_number": issued.ticket.number}
        document = booking_document(issued.view, timezone.now()) | ticket | {"status": "ISSUED"}
        return reply(document, 201, {"ETag": etag(issued.view.booking.version)})

    def issued(self, data: dict) -> issuing.Issued:
        caller, passenger = self.request.user, passenger_called(data["pax"])
        if "booking_id" in data:
            return issuing.issue_booking(data["booking_id"], passenger, caller=caller)
        owned = owner(caller, user_id=data.get("user_id", ""))
        if "flightId" in data:
            return issuing.issue_ticket(passenger, wish_of(data), owned=owned, caller=caller)
        return issuing.issue_open_ticket(passenger, agency_id=owned[0], user_id=owned[2], caller=caller)

    @operation(
        "Check an order in",
        body=serializers.CheckInSerializer,
        answers={200: serializers.CheckedInSerializer},
        refusals=[404, 409],
        examples=[CHECK_IN, CHECKED_IN],
        tags=["Check-in"],
        operation_id="checkIn",
    )
    def check_in(self, request, data):
        """Check the order's passengers in, all or none, and get their boarding passes. Again: the same ones.

        An open ticket is marked as checked in, without a boarding pass.
        """
        at = timezone.now()
        wanted = {"ticket_id": data.get("ticket_id"), "seat": data.get("seat", "")}
        found = check_in_order(data["order_id"], caller=request.user, at=at, **wanted)
        documents = [boarding_pass_document(boarding_pass) for boarding_pass in found.passes]
        facts = {"boarding_pass": documents[0] if documents else None, "boarding_passes": documents}
        tickets = tickets_of(found.views, at)
        return reply({"order_id": data["order_id"], "status": "CHECKED_IN", **facts, "tickets": tickets})

    @operation(
        "List a ticket's boarding passes",
        query=BoardingPassesQuerySerializer,
        answers={200: serializers.BoardingPassListSerializer},
        refusals=[404],
        examples=[PASSES],
        tags=["Check-in"],
    )
    def boarding_passes(self, request, ticket_id, query):
        """The passes that are good, in order of travel; with `all` those that have ended, too."""
        passes = passes_of_ticket(ticket_id, caller=request.user, with_ended=query["all"])
        return reply({"boarding_passes": [boarding_pass_document(boarding_pass) for boarding_pass in passes]})
