"""The doors onto disruption: operations change flights, passengers choose what they want instead."""

from uuid import UUID

from django.utils import timezone

from orders.disruption import choices as disruption_choices
from orders.disruption import examples as disruption_examples
from orders.disruption import serializers as shapes
from orders.disruption.services import disrupt, disruptions_on, preview
from skybridge.api import ApiViewSet, operation, reply
from skybridge.exceptions import Forbidden

MANY = {200: shapes.BookingDisruptionSerializer(many=True)}


class FlightDisruptionViewSet(ApiViewSet):
    @operation(
        "Disrupt a flight",
        body=shapes.DisruptionChangeSerializer,
        answers={200: shapes.DisruptionPreviewSerializer, 201: shapes.DisruptionResultSerializer},
        refusals=[404, 409],
        examples=[
            disruption_examples.CANCELLATION,
            disruption_examples.DELAY,
            disruption_examples.AIRCRAFT,
            disruption_examples.PREVIEWED,
            disruption_examples.DONE,
        ],
        tags=["Disruption"],
        operation_id="disruptFlight",
    )
    def create(self, request, flight_id, data):
        """Staff only: delay, retime or cancel a flight, or give it another aircraft, and re-accommodate its passengers.

        With `preview` nothing changes (200). The same again changes nothing.
        """
        if not request.user.is_staff:
            raise Forbidden
        change, at = shapes.DisruptionChangeSerializer.change(data), timezone.now()
        if data["preview"]:
            return reply(preview(UUID(flight_id), change, at=at))
        return reply(disrupt(UUID(flight_id), change, actor=request.user, at=at), 201)

    @operation(
        "List a flight's disruptions",
        answers={200: shapes.FlightDisruptionSerializer(many=True)},
        refusals=[404],
        examples=[disruption_examples.LISTED],
        tags=["Disruption"],
        operation_id="listFlightDisruptions",
    )
    def list(self, request, flight_id):
        """Staff only: a bare array, newest first, with what became of the bookings."""
        if not request.user.is_staff:
            raise Forbidden
        return reply(disruptions_on(flight_id))


class BookingDisruptionViewSet(ApiViewSet):
    @operation(
        "List a booking's disruptions",
        answers=MANY,
        refusals=[404],
        examples=[disruption_examples.OWN],
        tags=["Disruption"],
        operation_id="listBookingDisruptions",
    )
    def list(self, request, booking_id):
        """A bare array, newest first, with the flights given instead and the choices that there are now."""
        return reply(disruption_choices.disruptions_of(booking_id, caller=request.user, at=timezone.now()))

    @operation(
        "Choose after a disruption",
        body=shapes.DisruptionChoiceSerializer,
        answers=MANY,
        refusals=[404, 409],
        examples=[
            disruption_examples.ACCEPT,
            disruption_examples.REBOOK,
            disruption_examples.REFUND,
            disruption_examples.OWN,
        ],
        tags=["Disruption"],
        operation_id="chooseAfterDisruption",
    )
    def choose(self, request, booking_id, disruption_id, data):
        """Accept the flights as they are now, rebook to another of the same route at no price, or get all back."""
        chosen = disruption_choices.choose(
            booking_id, disruption_id, data["choice"], event_id=data.get("event_id"), caller=request.user,
            at=timezone.now(),
        )  # fmt: skip
        return reply(chosen)
