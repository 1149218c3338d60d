"""The demo's facts for people and programs: `demo.json` in the state directory."""

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from flights.models import Flight
from flights.offers import SELLABLE
from partners.demo import AGENT, HANDLER, ROLE_USERS, STAFF, Callers, facts_file, traveller_token
from skybridge.embedded.state import write_privately

FLIGHT, SEATS, DAYS_AHEAD = "FL123", 2, 7


def write_facts(callers: Callers, url: str, at: datetime) -> None:
    """Write `demo.json`, readable for its owner alone."""
    ticket = ticket_body(at)
    facts = {
        "url": url,
        "agencies": [{"name": name, "api_key": key} for name, key in callers.keys.items()],
        "users": [
            {"role": "staff", "username": STAFF, "password": callers.passwords[STAFF]},
            {"role": "agent", "username": AGENT, "password": callers.passwords[AGENT]},
            {"role": "handler", "username": HANDLER, "password": callers.passwords[HANDLER]},
            *(
                {"role": role, "username": name, "password": callers.passwords[name]}
                for name, role in ROLE_USERS.items()
            ),
        ],
        "jwt": traveller_token(),
        "ticket": ticket,
        "curl": curl_lines(url, next(iter(callers.keys.values())), ticket, at),
    }
    settings.HOME.mkdir(parents=True, exist_ok=True)
    write_privately(facts_file(), json.dumps(facts, indent=2) + "\n")


def curl_lines(url: str, key: str, ticket: dict[str, str], at: datetime) -> list[str]:
    """Return calls to paste into a shell one after the other: search, book, confirm; issue a ticket, check it in."""
    curl = f"curl -sS -H 'x-api-key: {key}'"
    departure_date = at.date() + timedelta(days=DAYS_AHEAD)
    body = json.dumps(
        {"userId": "demo-customer", "flightId": FLIGHT, "seats": SEATS, "departureDate": f"{departure_date}"}
    )
    route = "departureCity=New%20York&destinationCity=Los%20Angeles"
    return [
        f"{curl} '{url}/searchFlights?{route}&departureDate={departure_date}'",
        keeping("BOOKING", f"{curl} -H 'Content-Type: application/json' -d '{body}' '{url}/bookFlight'", "bookingId"),
        f'{curl} -X PUT "{url}/api/v1/mgmt/bookings/$BOOKING/confirm"',
        keeping("ORDER", f"{curl} -d '{json.dumps(ticket)}' '{url}/ticket'", "order_id"),
        f"""{curl} -d '{{"order_id": "'"$ORDER"'"}}' '{url}/checkin'""",
    ]


def keeping(name: str, call: str, field: str) -> str:
    """Return a call whose answer's field is kept in a variable of the shell, and shown."""
    pick = f"""python3 -c 'import json, sys; print(json.load(sys.stdin)["{field}"])'"""
    return f'{name}=$({call} | {pick}) && echo "${name}"'


def ticket_body(at: datetime) -> dict[str, str]:
    """Return what issues a ticket that can be checked in at once, and for hours to come; else an open one."""
    flight = (
        Flight.objects.filter(carrier="FL", status__in=SELLABLE, origin__country=F("destination__country"))
        .filter(departs_at__gt=at + 2 * settings.CHECK_IN_CLOSES, departs_at__lt=at + settings.CHECK_IN_OPENS)
        .order_by("-departs_at")
        .first()
    )
    named = {"flightId": flight.designator, "departureDate": f"{flight.departure_date}"} if flight else {}
    return {"pax": "Ada Lovelace", **named}
