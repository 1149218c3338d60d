"""The demo's facts for people and programs: `demo.json` in the state directory."""

import json
from datetime import date

from django.conf import settings

from partners.demo import AGENT, ROLE_USERS, STAFF, Callers, facts_file, traveller_token
from skybridge.embedded.state import write_privately

FLIGHT, SEATS, DAYS_AHEAD = "FL123", 2, 7


def write_facts(callers: Callers, url: str, departure_date: date) -> None:
    """Write `demo.json`, readable for its owner alone."""
    facts = {
        "url": url,
        "agencies": [{"name": name, "api_key": key} for name, key in callers.keys.items()],
        "users": [
            {"role": "staff", "username": STAFF, "password": callers.passwords[STAFF]},
            {"role": "agent", "username": AGENT, "password": callers.passwords[AGENT]},
            *(
                {"role": role, "username": name, "password": callers.passwords[name]}
                for name, role in ROLE_USERS.items()
            ),
        ],
        "jwt": traveller_token(),
        "curl": curl_lines(url, next(iter(callers.keys.values())), departure_date),
    }
    settings.HOME.mkdir(parents=True, exist_ok=True)
    write_privately(facts_file(), json.dumps(facts, indent=2) + "\n")


def curl_lines(url: str, key: str, departure_date: date) -> list[str]:
    """Return three calls to paste into a shell one after the other: search, book, confirm."""
    curl = f"curl -sS -H 'x-api-key: {key}'"
    body = json.dumps(
        {"userId": "demo-customer", "flightId": FLIGHT, "seats": SEATS, "departureDate": f"{departure_date}"}
    )
    route = "departureCity=New%20York&destinationCity=Los%20Angeles"
    booking_id = """python3 -c 'import json, sys; print(json.load(sys.stdin)["bookingId"])'"""
    return [
        f"{curl} '{url}/searchFlights?{route}&departureDate={departure_date}'",
        f"BOOKING=$({curl} -H 'Content-Type: application/json' -d '{body}' '{url}/bookFlight' | {booking_id})"
        ' && echo "$BOOKING"',
        f'{curl} -X PUT "{url}/api/v1/mgmt/bookings/$BOOKING/confirm"',
    ]
