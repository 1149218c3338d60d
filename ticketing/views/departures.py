"""The departures of a day, and one of them: passengers, gate, close-out."""

from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from flights.localtime import local_date, zone
from flights.models import Airport
from orders import departures
from orders.checkin import undo_check_in
from orders.departure_board import Board, busiest_airports, progress_of, read_board, window_of
from partners.pages import may, page
from skybridge import pages
from skybridge.exceptions import Forbidden
from ticketing.exceptions import TicketNotFound
from ticketing.forms.departures import BoardForm, ConfirmForm, GateForm, ManifestForm, ReopenForm
from ticketing.manifests import Manifest, State, Traveller, cabins_of, counts_of, matching, read_manifest
from ticketing.models import Coupon

PASSENGERS = 50  # of a page
SECTION = {"section": "airport"}
SEES, BOARDS, CHECKS_IN = "ticketing.view_departure", "skybridge.board", "skybridge.check_in"


@page(SEES, gates=True)
def departures_page(request):
    """Show the departures of a day and an airport, of today those that are still to come."""
    at = timezone.now()
    busiest = busiest_airports(at=at)
    default = busiest[0][0] if busiest else ""
    form = BoardForm({**request.GET.dict(), "airport": request.GET.get("airport") or default})
    context = {**SECTION, "airports": busiest, "at": at, "checks_in": may(request, CHECKS_IN)}
    if form.is_valid():
        context |= board_context(form.cleaned_data, at)
    return pages.show(request, "ticketing/departures_page.html", context, form=form)


def board_context(wanted: dict, at) -> dict:
    airport: Airport = wanted["airport"]
    today = local_date(at, airport.timezone)
    day: date = wanted["date"] or today
    board = board_of(day, wanted, at)
    if not (board.rows or wanted["date"] or wanted["q"] or wanted["after"] or wanted["before"]):
        day += timedelta(days=1)  # in the evening: what leaves after midnight
        board = board_of(day, wanted, at)
    query = {"airport": airport.pk, **({"date": day.isoformat()} if day != today else {})}
    turned = query | ({"q": wanted["q"]} if wanted["q"] else {})
    return {
        "airport": airport, "day": day, "is_today": day == today, "board": board,
        "now": at.astimezone(zone(airport.timezone)), "text": wanted["q"], "here": urlencode(query),
        "earlier": urlencode(turned | {"before": board.earlier}) if board.earlier else "",
        "later": urlencode(turned | {"after": board.later}) if board.later else "",
    }  # fmt: skip


def board_of(day: date, wanted: dict, at) -> Board:
    cursors = {name: wanted[name] for name in ("after", "before")}
    return read_board(wanted["airport"], window_of(wanted["airport"], day), text=wanted["q"], **cursors, at=at)


@page(SEES, gates=True, methods=("GET", "POST"))
def departure_page(request, flight_id: UUID):
    """Show who is on a flight; POST says where it boards."""
    form = GateForm(request.POST) if request.method == "POST" else None
    if form is not None:
        require(request, BOARDS)
        if form.is_valid():
            departures.set_gate(flight_id, form.cleaned_data["gate"], caller=request.caller, at=timezone.now())
            messages.success(request, _("The gate is changed."))
            return redirect("departure", flight_id)
    manifest = read_manifest(flight_id, at=timezone.now())
    form = form or GateForm(initial={"gate": manifest.departure.gate})
    context = departure_context(request, manifest)
    context |= manifest_context(request, manifest, context["counts"])
    return pages.show(request, "ticketing/departure_page.html", context, form=form)


def require(request, permission: str) -> None:
    if not may(request, permission):
        raise Forbidden


def departure_context(request, manifest: Manifest) -> dict:
    """Return what every page about a departure says of it."""
    flight, at = manifest.flight, manifest.at
    counts, local = counts_of(manifest.travellers), zone(flight.origin.timezone)
    aboard = counts["boarded"] + counts["flown"]
    return SECTION | {
        "flight": flight,
        "departure": manifest.departure,
        "departs_at": flight.departs_at.astimezone(local),
        "closed_at": manifest.departure.closed_at and manifest.departure.closed_at.astimezone(local),
        "progress": progress_of(
            flight.status, flight.departs_at, manifest.departure.closed_at, has_boarded=aboard > 0, at=at
        ),
        "counts": counts,
        "aboard": aboard,
        "accepted": counts["checked_in"] + aboard,
        "boards": may(request, BOARDS),
        "checks_in": may(request, CHECKS_IN),
        "takes_off": request.caller.is_staff and may(request, BOARDS) and not manifest.departure.closed_at,
        "here": urlencode({"airport": flight.origin_id}),
    }


def manifest_context(request, manifest: Manifest, counts: dict) -> dict:
    """Return the passengers that are wanted, a page of them."""
    wanted = ManifestForm(request.GET).wanted
    state = State(wanted["state"]) if wanted["state"] else None
    found = matching(manifest.travellers, wanted["q"], state)
    last = max(1, -(-len(found) // PASSENGERS))
    number = min(wanted["page"] or 1, last)
    kept = {name: wanted[name] for name in ("q", "state") if wanted[name]}
    return {
        "cabins": cabins_of(manifest.travellers),
        "text": wanted["q"],
        "state": wanted["state"],
        "states": [(one.value, counts[one.value]) for one in State],
        "found": len(found),
        "travellers": found[(number - 1) * PASSENGERS : number * PASSENGERS],
        "before": urlencode(kept | {"page": number - 1}) if number > 1 else "",
        "after": urlencode(kept | {"page": number + 1}) if number < last else "",
        "bags_to_remove": [(one, bag) for one in manifest.no_shows for bag in one.bags],
    }


# --- What ends boarding ---


@page(BOARDS, gates=True, methods=("GET", "POST"))
def close_page(request, flight_id: UUID):
    """Ask whether a flight is to be closed out, and do it."""
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.showing_refusals():
            departures.close_flight(flight_id, caller=request.caller, at=timezone.now())
            messages.success(request, _("The flight is closed out. Who is not aboard is a no-show."))
            return redirect("departure", flight_id)
    manifest = read_manifest(flight_id, at=timezone.now())
    missing = [t for t in manifest.travellers if t.state in (State.BOOKED, State.CHECKED_IN)]
    context = departure_context(request, manifest) | {"missing": missing[:PASSENGERS], "missing_count": len(missing)}
    return pages.show(request, "ticketing/departure_close.html", context, form=form)


@page(BOARDS, gates=True, methods=("GET", "POST"))
def reopen_page(request, flight_id: UUID):
    """Ask why a flight is to be opened again, and do it; for staff."""
    if not request.caller.is_staff:
        raise Forbidden
    form = ReopenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.showing_refusals():
            reason = form.cleaned_data["reason"]
            departures.reopen_flight(flight_id, reason=reason, caller=request.caller, at=timezone.now())
            messages.success(request, _("The flight is open again. No-shows can check in again."))
            return redirect("departure", flight_id)
    context = departure_context(request, read_manifest(flight_id, at=timezone.now()))
    return pages.show(request, "ticketing/departure_reopen.html", context, form=form)


@page(BOARDS, gates=True, methods=("GET", "POST"))
def offload_page(request, flight_id: UUID, coupon_id: UUID):
    """Ask whether a passenger is to be taken off a flight, and do it."""
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.showing_refusals():
            undo_check_in(
                ticket_on(flight_id, coupon_id), event_id=flight_id, is_at_desk=True, caller=request.caller,
                at=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("The passenger is off the flight. The boarding pass opens no gate any more."))
            return redirect("departure", flight_id)
    manifest = read_manifest(flight_id, at=timezone.now())
    context = departure_context(request, manifest) | {"traveller": traveller_on(manifest, coupon_id)}
    return pages.show(request, "ticketing/departure_offload.html", context, form=form)


def ticket_on(flight_id: UUID, coupon_id: UUID) -> UUID:
    """Return the ticket of a coupon on a flight. Raises TicketNotFound."""
    ticket_id = Coupon.objects.filter(pk=coupon_id, flight=flight_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise TicketNotFound
    return ticket_id


def traveller_on(manifest: Manifest, coupon_id: UUID) -> Traveller:
    """Return a passenger of a manifest. Raises TicketNotFound."""
    found = next((one for one in manifest.travellers if one.coupon_id == coupon_id), None)
    if found is None:
        raise TicketNotFound
    return found
