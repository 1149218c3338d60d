from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from orders.views import find_anything
from skybridge import views

urlpatterns = [
    path("", views.home, name="home"),
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
    path("login/", LoginView.as_view(template_name="skybridge/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/find/", admin.site.admin_view(find_anything), name="find"),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
