from django.urls import path, re_path

from skybridge.paths import SEGMENT_PATTERN, UUID_PATTERN
from ticketing.links import TOKEN_PATTERN
from ticketing.views import departures, desk, gate, passes, tickets
from ticketing.viewsets.check_in import (
    BagViewSet,
    BookingCheckInViewSet,
    TicketCheckInViewSet,
    TravelDocumentViewSet,
)
from ticketing.viewsets.desk import DeskViewSet
from ticketing.viewsets.gate import BoardingPassViewSet, DepartureViewSet, ManifestViewSet, ScanViewSet
from ticketing.viewsets.tickets import SeatViewSet, TicketViewSet

USER = rf"^api/v1/tickets/user/(?P<user_id>{SEGMENT_PATTERN})"
PASS = rf"^boarding-passes/(?P<token>{TOKEN_PATTERN})"
FLIGHT = rf"^api/v1/flights/(?P<flight_id>{UUID_PATTERN})"
TICKET = rf"^api/v1/tickets/(?P<ticket_id>{UUID_PATTERN})"
EVENT = rf"event/(?P<event_id>{UUID_PATTERN})"

urlpatterns = [
    re_path(r"^\.well-known/boarding-pass-keys\.json$", passes.boarding_pass_keys),
    re_path(r"^ticket/?$", DeskViewSet.as_view({"post": "issue"})),
    re_path(r"^checkin/?$", DeskViewSet.as_view({"post": "check_in"})),
    re_path(r"^boarding-passes/validate/?$", BoardingPassViewSet.as_view({"post": "validate"})),
    re_path(rf"{FLIGHT}/scans/?$", ScanViewSet.as_view({"post": "create", "get": "list"})),
    re_path(rf"{FLIGHT}/manifest/?$", ManifestViewSet.as_view({"get": "retrieve"})),
    re_path(rf"{FLIGHT}/manifest\.csv$", ManifestViewSet.as_view({"get": "csv"})),
    re_path(rf"{FLIGHT}/manifest\.pdf$", ManifestViewSet.as_view({"get": "pdf"})),
    re_path(rf"{FLIGHT}/gate/?$", DepartureViewSet.as_view({"put": "gate"})),
    re_path(rf"{FLIGHT}/close/?$", DepartureViewSet.as_view({"post": "close"})),
    re_path(rf"{FLIGHT}/reopen/?$", DepartureViewSet.as_view({"post": "reopen"})),
    re_path(rf"{PASS}/?$", passes.boarding_pass_page),
    re_path(rf"{PASS}/phone/?$", passes.boarding_pass_phone),
    re_path(rf"{PASS}\.pdf$", passes.boarding_pass_pdf),
    re_path(rf"{PASS}\.svg$", passes.boarding_pass_svg),
    re_path(rf"{PASS}\.png$", passes.boarding_pass_png),
    re_path(
        rf"^api/v1/tickets/(?P<ticket_id>{UUID_PATTERN})/seat/?$",
        SeatViewSet.as_view({"put": "choose", "delete": "give_up"}),
    ),
    re_path(rf"{USER}/?$", TicketViewSet.as_view({"get": "by_user"})),
    re_path(rf"{USER}/{EVENT}/?$", TicketViewSet.as_view({"get": "by_user_and_event"})),
    re_path(rf"^api/v1/tickets/{EVENT}/?$", TicketViewSet.as_view({"get": "by_event"})),
    re_path(rf"^api/v1/tickets/{EVENT}/available/?$", TicketViewSet.as_view({"get": "available"})),
    re_path(rf"{TICKET}/?$", TicketCheckInViewSet.as_view({"get": "retrieve"})),
    re_path(rf"{TICKET}/boarding-passes/?$", DeskViewSet.as_view({"get": "boarding_passes"})),
    re_path(rf"{TICKET}/check-in/?$", TicketCheckInViewSet.as_view({"post": "check_in", "delete": "undo"})),
    re_path(rf"{TICKET}/bags/?$", BagViewSet.as_view({"post": "create"})),
    re_path(rf"{TICKET}/bags/(?P<tag_number>\d{{10}})/?$", BagViewSet.as_view({"delete": "destroy"})),
    re_path(rf"{TICKET}/travel-document/?$", TravelDocumentViewSet.as_view({"get": "retrieve", "put": "update"})),
    re_path(
        rf"^api/v1/bookings/(?P<booking_id>{UUID_PATTERN})/check-in/?$",
        BookingCheckInViewSet.as_view({"post": "check_in"}),
    ),
]

# The pages.
urlpatterns += [
    path("departures/", departures.departures_page, name="departures"),
    path("tickets/<uuid:ticket_id>/", tickets.ticket_page, name="ticket"),
    path("departures/check-in/", desk.desk_page, name="desk"),
    path("departures/<uuid:flight_id>/", departures.departure_page, name="departure"),
    path("departures/<uuid:flight_id>/close/", departures.close_page, name="close-out"),
    path("departures/<uuid:flight_id>/reopen/", departures.reopen_page, name="reopen"),
    path("departures/<uuid:flight_id>/offload/<uuid:coupon_id>/", departures.offload_page, name="offload"),
    path("departures/<uuid:flight_id>/gate/", gate.gate_page, name="gate"),
    path("departures/<uuid:flight_id>/gate/passes/", gate.passes_page, name="gate-passes"),
    path("departures/<uuid:flight_id>/gate/frame/", gate.frame_page, name="gate-frame"),
]
