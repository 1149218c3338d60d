from django.contrib import admin
from django.urls import path, re_path

from skybridge import views

urlpatterns = [
    path("", views.home, name="home"),
    re_path(r"^livez/?$", views.livez),
    re_path(r"^readyz/?$", views.readyz),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
