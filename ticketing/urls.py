from django.urls import re_path

from skybridge.paths import SEGMENT_PATTERN, UUID_PATTERN
from ticketing import views
from ticketing.links import TOKEN_PATTERN
from ticketing.viewsets import TicketViewSet

USER = rf"^api/v1/tickets/user/(?P<user_id>{SEGMENT_PATTERN})"
PASS = rf"^boarding-passes/(?P<token>{TOKEN_PATTERN})"
EVENT = rf"event/(?P<event_id>{UUID_PATTERN})"

urlpatterns = [
    re_path(r"^\.well-known/boarding-pass-keys\.json$", views.boarding_pass_keys),
    re_path(rf"{PASS}/?$", views.boarding_pass_page),
    re_path(rf"{PASS}/phone/?$", views.boarding_pass_phone),
    re_path(rf"{PASS}\.pdf$", views.boarding_pass_pdf),
    re_path(rf"{PASS}\.svg$", views.boarding_pass_svg),
    re_path(rf"{PASS}\.png$", views.boarding_pass_png),
    re_path(rf"{USER}/?$", TicketViewSet.as_view({"get": "by_user"})),
    re_path(rf"{USER}/{EVENT}/?$", TicketViewSet.as_view({"get": "by_user_and_event"})),
    re_path(rf"^api/v1/tickets/{EVENT}/?$", TicketViewSet.as_view({"get": "by_event"})),
    re_path(rf"^api/v1/tickets/{EVENT}/available/?$", TicketViewSet.as_view({"get": "available"})),
]
