from django.urls import path, re_path

from bookings.views import changing, extras, finding, guests, itinerary, paying, seats, selling, serving, trips
from bookings.viewsets import (
    AgencyBookingViewSet,
    BookingViewSet,
    FlightBookingViewSet,
    ManagedBookingViewSet,
    QuoteViewSet,
)
from skybridge.paths import SEGMENT_PATTERN, UUID_PATTERN

ONE = rf"(?P<booking_id>{UUID_PATTERN})"
QUOTES = rf"^api/v1/bookings/{ONE}"
QUOTE = rf"(?P<quote_id>{UUID_PATTERN})"
DISRUPTION = rf"(?P<disruption_id>{UUID_PATTERN})"
MANAGED = "^api/v1/mgmt/bookings"
ACTIONS = ("confirm", "cancel", "refund")

urlpatterns = [
    re_path(r"^booking/?$", AgencyBookingViewSet.as_view({"post": "create"})),
    re_path(r"^bookFlight/?$", FlightBookingViewSet.as_view({"post": "create"})),
    re_path(r"^cancel/?$", FlightBookingViewSet.as_view({"post": "cancel"})),
    re_path(r"^update/?$", FlightBookingViewSet.as_view({"post": "update"})),
    re_path(rf"{MANAGED}/?$", ManagedBookingViewSet.as_view({"post": "create"})),
    re_path(rf"{MANAGED}/{ONE}/?$", ManagedBookingViewSet.as_view({"get": "retrieve"})),
    re_path(rf"{MANAGED}/user/(?P<user_id>{SEGMENT_PATTERN})/?$", ManagedBookingViewSet.as_view({"get": "by_user"})),
    *(
        re_path(rf"{MANAGED}/{ONE}/{action}/?$", ManagedBookingViewSet.as_view({"put": action, "post": action}))
        for action in ACTIONS
    ),
    re_path(r"^api/v1/bookings/?$", BookingViewSet.as_view({"get": "list", "post": "create"})),
    re_path(rf"^api/v1/bookings/{ONE}/?$", BookingViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    *(re_path(rf"^api/v1/bookings/{ONE}/{action}/?$", BookingViewSet.as_view({"post": action})) for action in ACTIONS),
    re_path(rf"^api/v1/bookings/{ONE}/seats/?$", BookingViewSet.as_view({"post": "seats"})),
    re_path(rf"{QUOTES}/cancellations/?$", QuoteViewSet.as_view({"post": "create_cancellation"})),
    re_path(rf"{QUOTES}/cancellations/{QUOTE}/?$", QuoteViewSet.as_view({"get": "cancellation"})),
    re_path(rf"{QUOTES}/cancellations/{QUOTE}/confirm/?$", QuoteViewSet.as_view({"post": "confirm_cancellation"})),
    re_path(rf"{QUOTES}/changes/?$", QuoteViewSet.as_view({"post": "create_change"})),
    re_path(rf"{QUOTES}/changes/{QUOTE}/?$", QuoteViewSet.as_view({"get": "change_quote"})),
    re_path(rf"{QUOTES}/changes/{QUOTE}/confirm/?$", QuoteViewSet.as_view({"post": "confirm_change"})),
]

# The pages.
urlpatterns += [
    path("bookings/", finding.bookings_page, name="bookings"),
    path("trips/", trips.trips_page, name="trips"),
    re_path(rf"^bookings/{ONE}/cancel/$", changing.cancel_page, name="booking-cancel"),
    re_path(rf"^bookings/{ONE}/cancel/{QUOTE}/$", changing.cancellation_page, name="booking-cancellation"),
    re_path(rf"^bookings/{ONE}/change/$", changing.change_page, name="booking-change"),
    re_path(rf"^bookings/{ONE}/change/{QUOTE}/$", changing.change_quote_page, name="booking-change-quote"),
    re_path(rf"^bookings/{ONE}/names/$", changing.names_page, name="booking-names"),
    re_path(rf"^bookings/{ONE}/confirm/$", changing.confirm_booking, name="booking-confirm"),
    re_path(rf"^bookings/{ONE}/refund/$", changing.refund_page, name="booking-refund"),
    re_path(rf"^bookings/{ONE}/disruptions/{DISRUPTION}/$", changing.choice_page, name="booking-choice"),
    re_path(rf"^bookings/{ONE}/itinerary/$", itinerary.itinerary_page, name="booking-itinerary"),
    re_path(rf"^bookings/{ONE}/itinerary/mail/$", itinerary.mail_itinerary, name="booking-mail"),
    re_path(rf"^bookings/{ONE}/$", serving.booking_page, name="booking"),
    re_path(rf"^bookings/{ONE}/seats/$", seats.seats_page, name="booking-seats"),
    re_path(rf"^bookings/{ONE}/check-in/$", guests.check_in_page, name="booking-check-in"),
    path("sell/", selling.sell_page, name="sell"),
    re_path(rf"^bookings/{ONE}/extend/$", selling.extend_page, name="booking-extend"),
    re_path(rf"^bookings/{ONE}/extras/$", extras.extras_page, name="booking-extras"),
    re_path(rf"^bookings/{ONE}/pay/$", paying.pay_page, name="booking-pay"),
    re_path(rf"^bookings/{ONE}/sold/$", paying.sold_page, name="booking-sold"),
    path("manage/", guests.manage_page, name="manage"),
]
