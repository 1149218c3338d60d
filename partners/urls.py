from django.urls import path, re_path

from partners import views
from partners.viewsets import SettlementViewSet, StatementViewSet

urlpatterns = [
    re_path(r"^api/v1/statement/?$", StatementViewSet.as_view({"get": "retrieve"})),
    re_path(r"^api/v1/statement\.csv$", StatementViewSet.as_view({"get": "csv"})),
    re_path(r"^api/v1/settlements/?$", SettlementViewSet.as_view({"post": "create"})),
]

# The pages.
urlpatterns += [
    path("agency/", views.agency_page, name="agency"),
    path("agency/orders/", views.orders_page, name="agency-orders"),
    path("agency/orders/<uuid:order_id>/", views.order_page, name="agency-order"),
    path("agency/statement/", views.statement_page, name="agency-statement"),
    path("agency/keys/", views.keys_page, name="agency-keys"),
]
