"""The doors onto bookings: partners (REST), and founding documents 001 (agencies), 002 (flights) and 003 (tickets)."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from bookings import examples, serializers
from bookings.cancellations import Part
from bookings.changes import Change, Names
from bookings.contacts import NO_CONTACT, Contact
from bookings.documents import BookingView, booking_document, group_by_event, quote_document, read_bookings
from bookings.holds import Sale, hold_seats
from bookings.models import Booking, Quote
from bookings.quotes import quote_cancellation, quote_change, read_quote
from bookings.selling import owner, party_of, sale_of, wish_of
from bookings.services import create_booking, read_booking
from orders import reservations
from orders.booking_search import newest_bookings
from orders.seats import seat_booking, with_seat_prices
from partners.callers import Caller
from skybridge.api import ApiViewSet, operation, reply
from skybridge.exceptions import NotFound
from skybridge.pagination import PageQuerySerializer
from skybridge.versions import etag
from ticketing.examples.tickets import PARTY_SEATED, PARTY_SEATS
from ticketing.seat_documents import passenger_seat_document
from ticketing.serializers.tickets import PartySeatsSerializer, PassengerSeatsSerializer

ONE = {200: serializers.BookingSerializer}
MADE = {201: serializers.BookingSerializer}


def answer(view: BookingView, http_status: int = 200, **fields) -> HttpResponse:
    """Return a booking as an answer; `fields` are the door's own."""
    document = booking_document(view, timezone.now()) | fields
    return reply(document, http_status, {"ETag": etag(view.booking.version)})


def change_of(data: dict) -> Change:
    return Change(
        wishes=[wish_of(wish) for wish in data.get("flights", ())],
        seats=data.get("seats"),
        departure_date=data.get("departureDate"),
        flight_designator=data.get("flightId", ""),
        names=[Names.of(fields) for fields in data.get("passengers", ())],
        contact=tuple(data.get("contact", {}).items()),
    )


class BookingDoor(ApiViewSet):
    """What the doors onto bookings share."""

    claims_itself = frozenset({"create"})

    @property
    def caller(self) -> Caller:
        return self.request.user

    def hold(self, sale: Sale, made) -> HttpResponse:
        """Hold the sale's seats; `made` turns the new booking into the answer."""
        return hold_seats(sale, actor=self.caller, answer=made, claim=self.claim)

    def create_empty(self, owned: tuple, made, contact: Contact = NO_CONTACT) -> HttpResponse:
        agency_id, _, user_id = owned

        def create():
            booking = create_booking(agency_id=agency_id, user_id=user_id, actor=self.caller, contact=contact)
            return made(read_bookings([booking.pk])[0])

        return self.once(create)

    def act(self, booking_id: UUID, action: str) -> BookingView:
        return reservations.act(booking_id, action, caller=self.caller, if_match=self.request.headers.get("If-Match"))

    def change(self, booking_id: UUID, change: Change) -> BookingView:
        if_match = self.request.headers.get("If-Match")
        return reservations.change(booking_id, change, caller=self.caller, if_match=if_match)

    def page(self, bookings, query: dict) -> tuple[list[BookingView], str | None]:
        """Return a page of the caller's bookings, newest first, and the cursor of the next one. Two statements."""
        ids, following = bookings.visible_to(self.caller).page(query)
        return read_bookings(ids), following


class AgencyBookingViewSet(BookingDoor):
    """Founding document 001: a partner agency makes a booking."""

    @operation(
        "Create a booking for an agency",
        body=serializers.AgencyBookingSerializer,
        answers=MADE,
        refusals=[404, 409],
        examples=[examples.AGENCY_BOOKING, examples.CREATED],
        tags=["By flight number"],
        operation_id="createAgencyBooking",
    )
    def create(self, request, data):
        """Empty without a flight; with one, or several, the seats are held. `status` says CREATED either way."""
        named = {"agency": data.get("agency", ""), "user_id": data.get("userId", ""), "field": "userId"}
        wishes = [wish_of(wish) for wish in data.get("flights", ())] or [wish_of(data)] * ("flightId" in data)

        def made(view):
            return answer(view, 201, status="CREATED")

        if not wishes:
            return self.create_empty(owner(self.caller, **named), made)
        return self.hold(sale_of(self.caller, wishes, party_of(data), **named), made)


class FlightBookingViewSet(BookingDoor):
    """Founding document 002: book, cancel and update by flight number and date."""

    @operation(
        "Book a flight",
        body=serializers.BookFlightSerializer,
        answers={200: serializers.MessageBookingSerializer},
        refusals=[404, 409],
        examples=[examples.BOOK_FLIGHT, examples.message("Booking created successfully")],
        tags=["By flight number"],
        operation_id="bookFlight",
    )
    def create(self, request, data):
        """Hold seats on one departure until `expires_at`."""
        sale = sale_of(self.caller, [wish_of(data)], party_of(data), user_id=data["userId"], field="userId")
        return self.hold(sale, lambda view: answer(view, message="Booking created successfully"))

    @operation(
        "Cancel a booking",
        body=serializers.CancelSerializer,
        answers={200: serializers.MessageBookingSerializer},
        refusals=[404, 409, 412],
        examples=[examples.BOOKING_ID, examples.message("Booking canceled successfully", status="canceled")],
        tags=["By flight number"],
        operation_id="cancelBooking",
    )
    def cancel(self, request, data):
        """The seats return exactly once, however often this is called. What the fare rules give back is refunded."""
        return answer(self.act(data["bookingId"], "cancel"), message="Booking canceled successfully")

    @operation(
        "Update a booking",
        body=serializers.UpdateSerializer,
        answers={200: serializers.MessageBookingSerializer},
        refusals=[404, 409, 412],
        examples=[examples.UPDATE, examples.message("Booking updated successfully")],
        tags=["By flight number"],
        operation_id="updateBooking",
    )
    def update(self, request, data):
        """More or fewer seats, or another date: all of it, or nothing changes.

        Fewer seats: unnamed passengers leave first, then the last ones. More seats and another date cost the price of
        the moment; an issued ticket is exchanged when its date changes.
        """
        change = Change(
            seats=data.get("seats"),
            departure_date=data.get("departureDate"),
            flight_designator=data.get("flightId", ""),
        )
        return answer(self.change(data["bookingId"], change), message="Booking updated successfully")


class ActionsMixin(BookingDoor):
    """Confirm, cancel and refund, under a booking's own path."""

    @operation(
        "Confirm a booking",
        answers=ONE,
        refusals=[404, 409, 412],
        examples=[examples.booking(status="confirmed")],
        tags=["Bookings"],
    )
    def confirm(self, request, booking_id):
        """Sell the held seats and issue the tickets. Again on a confirmed booking: the same answer."""
        return answer(self.act(booking_id, "confirm"))

    @operation(
        "Cancel a booking",
        answers=ONE,
        refusals=[404, 409, 412],
        examples=[examples.booking(status="canceled")],
        tags=["Bookings"],
    )
    def cancel(self, request, booking_id):
        """Void the tickets, give the seats back, and pay back what the fare rules say."""
        return answer(self.act(booking_id, "cancel"))

    @operation(
        "Refund a booking",
        answers=ONE,
        refusals=[404, 409, 412],
        examples=[examples.booking(status="refunded")],
        tags=["Bookings"],
    )
    def refund(self, request, booking_id):
        """Refund the tickets of a confirmed booking by their fare rules, and give the seats back."""
        return answer(self.act(booking_id, "refund"))

    @operation(
        "Retrieve a booking",
        answers=ONE,
        refusals=[404],
        examples=[examples.booking()],
        tags=["Bookings"],
    )
    def retrieve(self, request, booking_id):
        """A booking with its tickets, price lines and the actions that succeed now."""
        return answer(read_booking(booking_id, caller=self.caller))


class ManagedBookingViewSet(ActionsMixin):
    """Founding document 003: bookings of events, an event being a flight."""

    @operation(
        "Create a booking with tickets",
        body=serializers.ManagedBookingSerializer,
        answers=MADE,
        refusals=[404, 409],
        examples=[examples.MANAGED_BOOKING, examples.CREATED],
        tags=["Managed bookings"],
    )
    def create(self, request, data):
        """Hold `ticket_quantity` seats of the event until `expires_at`."""
        party = party_of(data, seats=data["ticket_quantity"])
        sale = sale_of(self.caller, [wish_of(data)], party, user_id=data.get("user_id", ""))
        return self.hold(sale, lambda view: answer(view, 201))

    @operation(
        "List a user's bookings by event",
        query=PageQuerySerializer,
        answers={200: serializers.EventBookingsSerializer(many=True)},
        refusals=[404],
        examples=[examples.BY_EVENT],
        tags=["Managed bookings"],
    )
    def by_user(self, request, user_id, query):
        """A bare array of events, each with the user's bookings and their tickets; `Link` leads to the next page."""
        if not self.caller.may_name(user_id):
            raise NotFound
        views, following = self.page(Booking.objects.filter(user_id=user_id), query)
        return reply(group_by_event(views, timezone.now()), headers=self.next_link(following))


class BookingViewSet(ActionsMixin):
    """Partners' bookings in REST style."""

    @operation(
        "Create a booking",
        body=serializers.NewBookingSerializer,
        answers=MADE,
        refusals=[404, 409],
        examples=[examples.NEW_BOOKING, examples.CREATED],
        tags=["Bookings"],
    )
    def create(self, request, data):
        """Hold seats for a party on one flight or several, all of them or none; without flights an empty booking.

        On one flight passengers may name their `seat`.
        """
        user_id, contact = data.get("user_id", ""), Contact(**data.get("contact", {}))

        def made(view):
            return answer(view, 201)

        if not data.get("flights"):
            return self.create_empty(owner(self.caller, user_id=user_id), made, contact)
        wishes = [wish_of(wish) for wish in data["flights"]]
        sale = sale_of(self.caller, wishes, party_of(data), user_id=user_id, contact=contact)
        return self.hold(with_seat_prices(sale, self.caller), made)

    @operation(
        "List bookings",
        query=serializers.BookingQuerySerializer,
        answers={200: serializers.BookingPageSerializer},
        examples=[examples.BOOKING_PAGE],
        tags=["Bookings"],
    )
    def list(self, request, query):
        """The caller's bookings, newest first."""
        at = timezone.now()
        views, following = newest_bookings(query, caller=self.caller, at=at)
        documents = [booking_document(view, at) for view in views]
        return reply({"bookings": documents, "limit": query["limit"], "next": following})

    @operation(
        "Change a booking",
        body=serializers.BookingChangeSerializer,
        answers=ONE,
        refusals=[404, 409, 412],
        examples=[examples.CHANGE, examples.booking()],
        tags=["Bookings"],
    )
    def partial_update(self, request, booking_id, data):
        """Add flights to an empty booking, set open tickets' flight, change seats, date or contact, name passengers.

        All of it, or nothing changes. The flight of an open ticket costs the price of the moment. A missing name on an
        issued ticket may be given; only staff changes one.
        """
        return answer(self.change(booking_id, change_of(data)))

    @operation(
        "Seat a booking's passengers",
        body=PartySeatsSerializer,
        answers={200: PassengerSeatsSerializer},
        refusals=[404, 409, 412],
        examples=[PARTY_SEATS, PARTY_SEATED],
        tags=["Seats"],
    )
    def seats(self, request, booking_id, data):
        """Give passengers the seats that they want on a flight, all or nothing; they may trade theirs.

        With `assign_rest` those without a seat get free ones together. Answers the seats of all passengers.
        """
        wanted = {choice["ticket_id"]: choice["seat"] for choice in data.get("seats", ())}
        coupons = seat_booking(
            booking_id, data["event_id"], wanted,
            assign_rest=data["assign_rest"], caller=self.caller, if_match=request.headers.get("If-Match"),
        )  # fmt: skip
        return reply({"event_id": data["event_id"], "seats": [passenger_seat_document(k) for k in coupons]})


class QuoteViewSet(BookingDoor):
    """What a cancellation or change costs, and carrying it out at exactly that price."""

    claims_itself = frozenset({"confirm_cancellation", "confirm_change"})  # a card is charged before the claim

    def quoted(self, quote: Quote, http_status: int = 200) -> HttpResponse:
        return reply(quote_document(quote, timezone.now()), http_status)

    def confirm(self, booking_id: UUID, quote_id: UUID, kind: str) -> HttpResponse:
        reservations.pay_quote(booking_id, quote_id, kind, caller=self.caller)

        def carry_out():
            view = reservations.confirm_quote(booking_id, quote_id, kind, caller=self.caller)
            quote = read_quote(booking_id, quote_id, kind, caller=self.caller)
            return answer(view, quote=quote_document(quote, timezone.now()))

        return self.once(carry_out)

    @operation(
        "Quote a cancellation",
        body=serializers.CancellationSerializer,
        answers={201: serializers.QuoteSerializer},
        refusals=[404, 409],
        examples=[examples.CANCELLATION, examples.quote(examples.QUOTE, 201)],
        tags=["Quotes"],
    )
    def create_cancellation(self, request, booking_id, data):
        """What goes back for some passengers, some flights, or (with an empty body) the whole booking.

        Passengers leave with all their flights, or flights with all their passengers. Good until `expires_at`, or until
        the booking changes or is quoted again.
        """
        part = Part(data.get("ticket_ids", ()), data.get("flights", ()))
        return self.quoted(quote_cancellation(booking_id, part, caller=self.caller), 201)

    @operation(
        "Retrieve a cancellation's quote",
        answers={200: serializers.QuoteSerializer},
        refusals=[404],
        examples=[examples.quote(examples.QUOTE)],
        tags=["Quotes"],
    )
    def cancellation(self, request, booking_id, quote_id):
        """The quote, with what has become of it."""
        return self.quoted(read_quote(booking_id, quote_id, Quote.Kind.CANCELLATION, caller=self.caller))

    @operation(
        "Confirm a cancellation's quote",
        answers={200: serializers.QuotedBookingSerializer},
        refusals=[404, 409],
        examples=[examples.quoted(examples.QUOTE, "canceled")],
        tags=["Quotes"],
    )
    def confirm_cancellation(self, request, booking_id, quote_id):
        """Cancel at exactly the quoted amounts, or not at all. Again: the same answer, and nothing happens twice."""
        return self.confirm(booking_id, quote_id, Quote.Kind.CANCELLATION)

    @operation(
        "Quote a change",
        body=serializers.BookingChangeSerializer,
        answers={201: serializers.QuoteSerializer},
        refusals=[404, 409],
        examples=[examples.MOVE, examples.quote(examples.CHANGE_QUOTE, 201)],
        tags=["Quotes"],
    )
    def create_change(self, request, booking_id, data):
        """What a change costs: fees, and the difference to today's fares. Nothing is held until it is confirmed."""
        return self.quoted(quote_change(booking_id, change_of(data), caller=self.caller), 201)

    @operation(
        "Retrieve a change's quote",
        answers={200: serializers.QuoteSerializer},
        refusals=[404],
        examples=[examples.quote(examples.CHANGE_QUOTE)],
        tags=["Quotes"],
    )
    def change_quote(self, request, booking_id, quote_id):
        """The quote, with what has become of it."""
        return self.quoted(read_quote(booking_id, quote_id, Quote.Kind.CHANGE, caller=self.caller))

    @operation(
        "Confirm a change's quote",
        answers={200: serializers.QuotedBookingSerializer},
        refusals=[404, 409],
        examples=[examples.quoted(examples.CHANGE_QUOTE, "confirmed")],
        tags=["Quotes"],
    )
    def confirm_change(self, request, booking_id, quote_id):
        """Change at exactly the quoted amounts, or not at all. Again: the same answer, and nothing happens twice."""
        return self.confirm(booking_id, quote_id, Quote.Kind.CHANGE)
