"""The project's URLs and one endpoint that says who calls."""

from django.urls import path

from skybridge.api import ApiViewSet, operation, reply
from skybridge.urls import handler400, handler403, handler404, handler500, urlpatterns  # noqa: F401


class WhoAmI(ApiViewSet):
    @operation("Say who calls", answers={200: None}, operation_id="whoami")
    def list(self, request):
        return reply({"kind": request.user.kind, "id": request.user.id, "agency": request.user.agency_name})

    @operation("Say who calls, unsafely", answers={200: None}, operation_id="whoami_unsafely")
    def create(self, request):
        return self.list.__wrapped__(self, request)


urlpatterns = [path("whoami", WhoAmI.as_view({"get": "list", "post": "create"})), *urlpatterns]
