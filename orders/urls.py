from django.urls import re_path

from orders.disruption.viewsets import BookingDisruptionViewSet, FlightDisruptionViewSet
from orders.viewsets import (
    ExecutionViewSet,
    FoundingOrderViewSet,
    OrderQuoteViewSet,
    OrderViewSet,
    ProductViewSet,
)
from skybridge.paths import SEGMENT_PATTERN, UUID_PATTERN

# Any segment: an order id that is none is an order that is not found, as in the founding document.
ONE = rf"(?P<order_id>{SEGMENT_PATTERN})"
EXECUTION = rf"(?P<identifier>{SEGMENT_PATTERN})"
QUOTES = rf"^api/v1/orders/{ONE}/cancellations"
QUOTE = rf"(?P<quote_id>{UUID_PATTERN})"
FLIGHT = rf"^api/v1/flights/(?P<flight_id>{UUID_PATTERN})"
BOOKING = rf"^api/v1/bookings/(?P<booking_id>{UUID_PATTERN})"
DISRUPTION = rf"(?P<disruption_id>{UUID_PATTERN})"
ITEM = {"get": "retrieve", "delete": "destroy"}

urlpatterns = [
    re_path(r"^orders/?$", FoundingOrderViewSet.as_view({"get": "list", "post": "create"})),
    re_path(rf"^orders/{ONE}/?$", FoundingOrderViewSet.as_view({**ITEM, "put": "update"})),
    re_path(rf"^status/{EXECUTION}/?$", FoundingOrderViewSet.as_view({"get": "status"})),
    re_path(r"^products/?$", ProductViewSet.as_view({"get": "list"})),
    re_path(r"^executions/?$", ExecutionViewSet.as_view({"get": "list"})),
    re_path(r"^api/v1/orders/?$", OrderViewSet.as_view({"get": "list", "post": "create"})),
    re_path(rf"^api/v1/orders/{ONE}/?$", OrderViewSet.as_view({**ITEM, "patch": "partial_update"})),
    re_path(rf"^api/v1/orders/{ONE}/cancel/?$", OrderViewSet.as_view({"post": "cancel"})),
    re_path(rf"{QUOTES}/?$", OrderQuoteViewSet.as_view({"post": "create"})),
    re_path(rf"{QUOTES}/{QUOTE}/?$", OrderQuoteViewSet.as_view({"get": "retrieve"})),
    re_path(rf"{QUOTES}/{QUOTE}/confirm/?$", OrderQuoteViewSet.as_view({"post": "confirm"})),
    re_path(rf"^api/v1/executions/{EXECUTION}/?$", ExecutionViewSet.as_view({"get": "retrieve"})),
    re_path(rf"^api/v1/executions/{EXECUTION}/history/?$", ExecutionViewSet.as_view({"get": "history"})),
    re_path(rf"^api/v1/executions/{EXECUTION}/stop/?$", ExecutionViewSet.as_view({"post": "stop"})),
    re_path(rf"^api/v1/executions/{EXECUTION}/redrive/?$", ExecutionViewSet.as_view({"post": "redrive"})),
    re_path(rf"{FLIGHT}/disruptions/?$", FlightDisruptionViewSet.as_view({"get": "list", "post": "create"})),
    re_path(rf"{BOOKING}/disruptions/?$", BookingDisruptionViewSet.as_view({"get": "list"})),
    re_path(rf"{BOOKING}/disruptions/{DISRUPTION}/choice/?$", BookingDisruptionViewSet.as_view({"post": "choose"})),
]
