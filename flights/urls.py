from django.urls import path, re_path

from flights import views
from flights.flight_page import flight_page
from flights.viewsets import FlightViewSet, SearchFlightsViewSet
from skybridge.paths import UUID_PATTERN

urlpatterns = [
    re_path(r"^searchFlights/?$", SearchFlightsViewSet.as_view({"get": "list"})),
    re_path(r"^api/v1/flights/?$", FlightViewSet.as_view({"get": "list"})),
    re_path(rf"^api/v1/flights/(?P<flight_id>{UUID_PATTERN})/?$", FlightViewSet.as_view({"get": "retrieve"})),
    re_path(rf"^api/v1/flights/(?P<flight_id>{UUID_PATTERN})/seats/?$", FlightViewSet.as_view({"get": "seats"})),
    re_path(
        rf"^api/v1/flights/(?P<flight_id>{UUID_PATTERN})/seat-swaps/?$", FlightViewSet.as_view({"post": "swap_seats"})
    ),
]

# The pages.
urlpatterns += [
    path("flights/", views.flights_page, name="flights"),
    path("flights/<uuid:flight_id>/", flight_page, name="flight"),
    path("airports/", views.airports_page, name="airports"),
]
