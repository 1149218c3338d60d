from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularJSONAPIView

from orders.views import find_anything, home_page
from partners.pages import page
from skybridge import account_views, views
from skybridge.back_office import open_lists
from skybridge.permissions_views import permissions_page
from skybridge.sign_in import OfficeSignIn, SignIn, code_page

# The back office: its home, sign-in and page of permissions, then Django's.
open_lists()
office_urls, office, office_name = admin.site.urls
office_urls = [
    path("", admin.site.admin_view(home_page), name="index"),
    path("login/", OfficeSignIn.as_view(), name="login"),
    path("permissions/", admin.site.admin_view(permissions_page), name="permissions"),
    *office_urls,
]

urlpatterns = [
    path("", page(anyone=True)(views.home), name="home"),
    path("language/", set_language, name="set_language"),
    re_path(r"^livez/?$", views.livez),
    re_path(r"^readyz/?$", views.readyz),
    path("", include("flights.urls")),
    path("", include("bookings.urls")),
    path("", include("ticketing.urls")),
    path("", include("orders.urls")),
    path("", include("partners.urls")),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    re_path(r"^docs/?$", views.swagger, name="docs"),
    re_path(r"^redoc/?$", views.redoc, name="redoc"),
    path("login/", page(anyone=True, methods=("GET", "POST"))(SignIn.as_view()), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/find/", admin.site.admin_view(find_anything), name="find"),
    path("account/code/", code_page, name="sign-in-code"),
    path("account/second-factor/", account_views.second_factor_page, name="second-factor"),
    path("account/second-factor/on/", account_views.set_up_second_factor, name="second-factor-on"),
    path("account/second-factor/off/", account_views.take_away_second_factor, name="second-factor-off"),
    path("account/second-factor/codes/", account_views.renew_backup_codes, name="second-factor-codes"),
    path("account/sessions/", account_views.sessions_page, name="sessions"),
    path("account/sessions/end/", account_views.sign_out_everywhere, name="sessions-end"),
    path("account/sessions/<uuid:session_id>/end/", account_views.end_session, name="session-end"),
    path("admin/", (office_urls, office, office_name)),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
