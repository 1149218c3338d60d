"""The gate's doors: look at a boarding pass, board with it, the manifest, close-out and reopening."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer

from orders import boarding, departures
from skybridge.api import ApiViewSet, operation, reply
from skybridge.exceptions import Forbidden
from ticketing.examples import gate as examples
from ticketing.examples.gate import answer, request
from ticketing.manifest_pdf import manifest_pdf
from ticketing.manifests import (
    Manifest,
    close_out_document,
    file_name,
    flight_document,
    manifest_csv,
    manifest_document,
    read_manifest,
)
from ticketing.scans import list_scans, scan_document
from ticketing.serializers import gate as serializers

ONE_OR_SEVERAL = PolymorphicProxySerializer(
    component_name="ScanResults",
    serializers=[serializers.ScanResultSerializer, serializers.ScanResultSerializer(many=True)],
    resource_type_field_name=None,
    many=False,
)


class BoardingPassViewSet(ApiViewSet):
    @operation(
        "Validate a boarding pass",
        body=serializers.ValidateSerializer,
        answers={200: serializers.LookSerializer},
        refusals=[404],
        examples=[
            request("A scanned pass", {"barcode": examples.BARCODE, "event_id": examples.EVENT_ID}),
            answer("Accepted", examples.ACCEPTED),
            answer("Refused", examples.REFUSED),
        ],
        tags=["Gate"],
        operation_id="validateBoardingPass",
    )
    def validate(self, request, data):
        """Tell whether a boarding pass is good for boarding now: accepted, or refused for one reason. Nobody boards.

        Without `event_id` it is looked at at its own flight. Who neither works at gates nor owns the booking is told
        `unknown` of a genuine pass. Each call is recorded.
        """
        found = boarding.look(
            data["barcode"], flight_id=data.get("event_id"), caller=request.user, at=timezone.now()
        )  # fmt: skip
        return reply(found)


class GateViewSet(ApiViewSet):
    """For staff and ground handlers."""

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if not request.user.works_at_gates:
            raise Forbidden

    def manifest(self) -> Manifest:
        return read_manifest(self.kwargs["flight_id"], at=timezone.now())


class ScanViewSet(GateViewSet):
    @operation(
        "Scan boarding passes",
        body=serializers.NewScansSerializer,
        answers={200: ONE_OR_SEVERAL},
        refusals=[404, 409],
        examples=[
            request("One scan", examples.NEW_SCAN),
            request("Scans made offline", {"scans": [examples.OFFLINE]}),
            answer("Boarded", examples.BOARDED | {"replayed": False}),
            answer("A conflict", [examples.CLASH | {"replayed": False}]),
        ],
        tags=["Gate"],
        operation_id="createScans",
    )
    def create(self, request, flight_id, data):
        """Board a passenger, or several with scans of offline devices, in any order; the answers keep their order.

        Each is accepted or refused for one reason, by itself, and kept. A `nonce` that the flight has seen gets its
        first answer again. For staff and ground handlers.
        """
        attempts, made = serializers.attempts_of(data), {"caller": request.user, "at": timezone.now()}
        if "scans" in data:
            return reply(boarding.board_all(flight_id, attempts, **made))
        return reply(boarding.board(flight_id, attempts[0], **made))

    @operation(
        "List a flight's scans",
        query=serializers.ScanQuerySerializer,
        answers={200: serializers.ScanPageSerializer},
        refusals=[404],
        examples=[answer("Page", {"scans": [examples.LISTED], "limit": 20, "next": None})],
        tags=["Gate"],
        operation_id="listScans",
    )
    def list(self, request, flight_id, query):
        """Every attempt on a flight, newest first, in pages; `conflicts=true` shows those to be looked into."""
        found, following = list_scans(
            flight_id, limit=query["limit"], cursor=query.get("cursor", ""), conflicts=query["conflicts"] == "true"
        )
        scans = [scan_document(scan) for scan in found]
        return reply({"scans": scans, "limit": query["limit"], "next": following})


class ManifestViewSet(GateViewSet):
    @operation(
        "Read a flight's manifest",
        answers={200: serializers.ManifestSerializer},
        refusals=[404],
        examples=[answer("Manifest", examples.MANIFEST)],
        tags=["Gate"],
        operation_id="retrieveManifest",
    )
    def retrieve(self, request, flight_id):
        """Who is on a flight, by sequence number and seat, with counts by state and by cabin."""
        return reply(manifest_document(self.manifest()))

    @operation(
        "Read a flight's manifest as CSV",
        answers={(200, "text/csv"): OpenApiTypes.STR},
        refusals=[404],
        examples=[
            OpenApiExample("Lines", value=examples.CSV, response_only=True, status_codes=["200"], media_type="text/csv")
        ],
        tags=["Gate"],
        operation_id="retrieveManifestCsv",
    )
    def csv(self, request, flight_id):
        """The same passengers for a spreadsheet."""
        manifest = self.manifest()
        return as_file(manifest_csv(manifest), "text/csv; charset=utf-8", file_name(manifest, "csv"))

    @operation(
        "Read a flight's manifest as PDF",
        answers={(200, "application/pdf"): OpenApiTypes.BINARY},
        refusals=[404],
        tags=["Gate"],
        operation_id="retrieveManifestPdf",
    )
    def pdf(self, request, flight_id):
        """The same manifest on A4, to be printed."""
        manifest = self.manifest()
        return as_file(manifest_pdf(manifest), "application/pdf", file_name(manifest, "pdf"))


def as_file(content: str | bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)


class DepartureViewSet(GateViewSet):
    @operation(
        "Set a flight's gate",
        body=serializers.GateSerializer,
        answers={200: serializers.ManifestFlightSerializer},
        refusals=[404],
        examples=[request("A gate", {"gate": "B12"}), answer("Set", examples.MANIFEST_FLIGHT)],
        tags=["Gate"],
        operation_id="setGate",
    )
    def gate(self, request, flight_id, data):
        """Say where a flight boards; boarding passes that were issued before do not show it."""
        departures.set_gate(flight_id, data["gate"], caller=request.user, at=timezone.now())
        return reply(flight_document(self.manifest()))

    @operation(
        "Close a flight out",
        answers={200: serializers.CloseOutSerializer},
        refusals=[404, 409],
        examples=[answer("Closed", examples.CLOSE_OUT)],
        tags=["Gate"],
        operation_id="closeFlight",
    )
    def close(self, request, flight_id):
        """End check-in and boarding: who is not aboard is a no-show, whose bags are to be taken off the aircraft.

        Bookings are dealt with one by one; the same call again goes on, and changes nothing that is done. From the
        moment that boarding opens.
        """
        departures.close_flight(flight_id, caller=request.user, at=timezone.now())
        return reply(close_out_document(self.manifest()))

    @operation(
        "Reopen a closed flight",
        body=serializers.ReopenSerializer,
        answers={200: serializers.ManifestFlightSerializer},
        refusals=[404, 409],
        examples=[request("Why", {"reason": "Closed by mistake"}), answer("Open", examples.MANIFEST_FLIGHT)],
        tags=["Gate"],
        operation_id="reopenFlight",
    )
    def reopen(self, request, flight_id, data):
        """Staff only, before the flight leaves: its no-shows may check in again, for new passes and bag tags."""
        if not request.user.is_staff:
            raise Forbidden
        departures.reopen_flight(flight_id, reason=data["reason"], caller=request.user, at=timezone.now())
        return reply(flight_document(self.manifest()))
