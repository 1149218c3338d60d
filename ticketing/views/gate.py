"""The gate of a departure: passes are scanned, shown to a camera, or named, and people board."""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpResponseNotModified, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from flights.exceptions import FlightNotFound
from flights.localtime import zone
from flights.models import Flight
from orders import boarding
from orders.departure_board import progress_of
from partners.pages import page
from skybridge import pages
from skybridge.exceptions import InvalidInput, TooLarge, UnsupportedMediaType
from skybridge.times import utc_text
from ticketing.bcbp import BcbpError, decode_leniently
from ticketing.by_hand import Pass, counts_of, device_document, passes_meant, passes_on
from ticketing.forms.gate import ScanForm
from ticketing.models import Departure, Scan
from ticketing.scans import Attempt, Conflict, found_on, scan_document
from ticketing.symbols import read_symbol
from ticketing.views.gate_words import CONFLICTS, all_words, words_for

BOARDS = "skybridge.board"
SHOWN = 8  # of the last scans
WIDEST, LARGEST = 1280, 640_000  # pixels of a camera's picture


@page(BOARDS, gates=True, methods=("GET", "POST"))
def gate_page(request, flight_id: UUID):
    """Show the gate; POST boards with one pass and leads back to what came of it."""
    at, flight = timezone.now(), flight_at(flight_id)
    choices: list[Pass] = []
    form = ScanForm(request.POST) if request.method == "POST" else ScanForm(initial={"nonce": uuid4().hex})
    if form.is_valid():
        barcodes, choices = meant(flight_id, form.cleaned_data["scan"])
        if len(barcodes) == 1:
            with form.showing_refusals():
                attempt = Attempt(barcodes[0], form.cleaned_data["nonce"], device_id="page")
                answer = boarding.board(flight_id, attempt, caller=request.caller, at=at)
                return redirect(f"{reverse('gate', args=[flight_id])}?scan={answer['scan_id']}")
        elif not choices:
            form.add_error("scan", _("Nobody with this number, seat, locator or name is checked in."))
    return pages.show(request, "ticketing/gate_page.html", gate_context(request, flight, at, choices), form=form)


def flight_at(flight_id: UUID) -> Flight:
    flight = Flight.objects.select_related("departure", "origin", "destination").filter(pk=flight_id).first()
    if flight is None:
        raise FlightNotFound
    return flight


def meant(flight_id: UUID, text: str) -> tuple[list[str], list[Pass]]:
    """Return the scanned text, or that of the one pass that somebody names; else the passes to choose from."""
    if is_scan(text):
        return [text], []
    passes = passes_meant(flight_id, text)
    return [found.barcode for found in passes], passes if len(passes) > 1 else []


def is_scan(text: str) -> bool:
    """Tell whether a text is a boarding pass, of whatever worth: what people type is shorter."""
    try:
        decode_leniently(text)
    except BcbpError:
        return len(text.strip()) > 40
    return True


def gate_context(request, flight: Flight, at: datetime, choices: list) -> dict:
    departure = flight.departure if hasattr(flight, "departure") else Departure(flight=flight)
    counts = counts_of(passes_on(flight.pk))
    scans = found_on(flight.pk).filter(kind=Scan.Kind.BOARD).order_by("-pk")
    local, opens_at = zone(flight.origin.timezone), flight.departs_at - settings.BOARDING_OPENS
    last = [shown(scan_document(scan), local) for scan in scans[:SHOWN]]
    conflicts = [shown(scan_document(scan), local) for scan in scans.filter(is_conflict=True)[:SHOWN]]
    return {
        "section": "airport", "flight": flight, "departure": departure, "counts": counts, "scans": last,
        "conflicts": conflicts, "choices": choices, "nonce": uuid4().hex,
        "result": result_of(request, flight.pk, local),
        "departs_at": flight.departs_at.astimezone(local),
        "opens_at": opens_at.astimezone(local) if opens_at > at else None,
        "closes_at": (flight.departs_at - settings.BOARDING_CLOSES).astimezone(local),
        "progress": progress_of(
            flight.status, flight.departs_at, departure.closed_at, has_boarded=counts["boarded"] > 0, at=at
        ),
        "words": all_words(),
        "device": device_facts(flight, departure, at),
        "here": f"airport={flight.origin_id}",
    }  # fmt: skip


def device_facts(flight: Flight, departure: Departure, at: datetime) -> dict:
    """Return what the page's script has to know of the flight to decide without a connection."""
    return {
        "flight_id": str(flight.pk),
        "carrier": flight.carrier_id,
        "number": flight.flight_number,
        "suffix": flight.operational_suffix,
        "origin": flight.origin_id,
        "day": flight.departure_date.timetuple().tm_yday,
        "zone": flight.origin.timezone,
        "departs_at": utc_text(flight.departs_at),
        "opens_at": utc_text(flight.departs_at - settings.BOARDING_OPENS),
        "closes_at": utc_text(flight.departs_at - settings.BOARDING_CLOSES),
        "closed_at": utc_text(departure.closed_at),
        "is_cancelled": flight.status == Flight.Status.CANCELLED,
        "now": utc_text(at),
        "scans": f"/api/v1/flights/{flight.pk}/scans",
        "passes": reverse("gate-passes", args=[flight.pk]),
        "frame": reverse("gate-frame", args=[flight.pk]),
        "keys": "/.well-known/boarding-pass-keys.json",
    }


def shown(answer: dict, local) -> dict:
    """Return an answer with its words, its times in the airport's zone."""
    times = {name: locally(answer.get(name), local) for name in ("boarded_at", "opens_at", "closed_at", "scanned_at")}
    conflict = CONFLICTS[Conflict(answer["conflict"]["kind"])] if answer["conflict"] else ""
    return answer | words_for(answer) | times | {"conflict_text": conflict}


def locally(text: str | None, local) -> datetime | None:
    moment = parse_datetime(text) if text else None
    return moment.astimezone(local) if moment else None


def result_of(request, flight_id: UUID, local) -> dict | None:
    """Return what came of the scan that the address names."""
    try:
        scan_id = UUID(request.GET.get("scan", ""))
    except ValueError:
        return None
    found = Scan.objects.filter(pk=scan_id, flight=flight_id, kind=Scan.Kind.BOARD).first()
    return shown(scan_document(found), local) if found else None


# --- What the page's script asks for ---


@page(BOARDS, gates=True)
def passes_page(request, flight_id: UUID):
    """Give the gate's device the passes of the flight, or with `q` those that somebody names."""
    text = request.GET.get("q", "")
    passes = passes_meant(flight_id, text) if text else passes_on(flight_id)
    answer = JsonResponse(device_document(passes))
    tag = f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    answer["ETag"] = tag
    return answer


@page(BOARDS, gates=True, methods=("POST",))
def frame_page(request, flight_id: UUID):
    """Read the barcode in a camera's picture: grey octets row by row, one a pixel, so that nothing is unpacked."""
    try:
        width, height = (int(request.GET.get(name, "")) for name in ("width", "height"))
    except ValueError:
        raise InvalidInput from None
    if not (0 < width <= WIDEST and 0 < height <= WIDEST and width * height <= LARGEST):
        raise TooLarge
    if request.content_type != "application/octet-stream":
        raise UnsupportedMediaType("Send the picture as application/octet-stream.")
    if len(request.body) != width * height:
        raise InvalidInput
    return JsonResponse({"text": read_symbol(request.body, width, height)})
