from django.urls import re_path

from partners.viewsets import SettlementViewSet, StatementViewSet

urlpatterns = [
    re_path(r"^api/v1/statement/?$", StatementViewSet.as_view({"get": "retrieve"})),
    re_path(r"^api/v1/statement\.csv$", StatementViewSet.as_view({"get": "csv"})),
    re_path(r"^api/v1/settlements/?$", SettlementViewSet.as_view({"post": "create"})),
]
