"""Make the same calls to SkyBridge and to the yardstick, and compare statuses and bodies.

    python -m benchmarks.yardstick.same --skybridge URL --yardstick URL --key KEY --rival KEY

Both work on one database of this purpose, with flights and products (`benchmarks.fill`); `--key` is a ground handler's,
`--rival` another agency's. Bodies must be equal but for what each call makes anew: identifiers, numbers, moments.
Passengers board if both were started with BOARDING_OPENS_MINUTES=1440; else it is too early for both. Let it run once:
SkyBridge counts seats of holds that have run out as free, and keeps the number of orders, both of which the yardstick
leaves out. Ends with 1 if anything differs.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

from .comparison import Comparison, Side

BOOKINGS = "/api/v1/bookings"
PASSPORT = {"number": "X1234567", "issuing_country": "USA", "nationality": "USA", "expiry_date": "2099-12-31"}


def flights_in(side: Side, *, hours: int) -> list[dict]:
    day = (datetime.now(UTC) + timedelta(hours=hours)).date()
    return side.ask("GET", f"/api/v1/flights?departure_date={day}&limit=100&seats=9").body["flights"]


def booking_of(flight: dict, seats: int, **more: object) -> dict:
    named = {name: flight[name] for name in ("flightId", "departureDate", "origin")}
    return {"userId": "traveller-1", "seats": seats, **named, **more}


def compare_searches(sides: Comparison, flight: dict) -> None:
    date = flight["departureDate"]
    codes = f"/searchFlights?departureCity={flight['origin']}&destinationCity={flight['destination']}"
    names = "&".join(f"{name}={quote(flight[name].upper())}" for name in ("departureCity", "destinationCity"))
    sides.same("SEARCH by codes", 200, "GET", f"{codes}&departureDate={date}")
    sides.same("SEARCH by names", 200, "GET", f"/searchFlights?{names}&departureDate={date}")
    sides.same("SEARCH a day without flights", 200, "GET", f"{codes}&departureDate=2020-01-01")
    sides.same("SEARCH without a date", 400, "GET", codes)
    sides.same("SEARCH with a bad key", 403, "GET", f"{codes}&departureDate={date}", key="sb_test_bad")


def compare_bookings(sides: Comparison, flight: dict) -> tuple[str, str]:
    """Return the bookings that each side has made."""
    sides.same("BOOK one seat", 200, "POST", "/bookFlight", booking_of(flight, 1))
    made = sides.same("BOOK two seats", 200, "POST", "/bookFlight", booking_of(flight, 2))
    sides.same("BOOK an unknown flight", 404, "POST", "/bookFlight", booking_of(flight | {"flightId": "QQ9999"}, 1))
    sides.same("BOOK what is no flight", 400, "POST", "/bookFlight", booking_of(flight | {"flightId": "flight"}, 1))
    sides.same("BOOK no seats", 400, "POST", "/bookFlight", booking_of(flight, 0))
    sides.same("BOOK without a key", 403, "POST", "/bookFlight", booking_of(flight, 1), key="")
    sides.same("BOOK with a bad key", 403, "POST", "/bookFlight", booking_of(flight, 1), key="sb_test_" + 32 * "7")
    few = booking_of(flight, 9, cabin="J")
    sides.ours.ask("POST", "/bookFlight", few)
    sides.same("BOOK more seats than are left", 409, "POST", "/bookFlight", few)
    return made[0]["booking_id"], made[1]["booking_id"]


def compare_readings(sides: Comparison, made: tuple[str, str]) -> None:
    for booking_id, maker in zip(made, ("SkyBridge's", "the yardstick's"), strict=True):
        sides.same(f"READ {maker} booking", 200, "GET", f"{BOOKINGS}/{booking_id}")
        sides.same(f"READ {maker} booking as another", 404, "GET", f"{BOOKINGS}/{booking_id}", key=sides.rival_key)
    sides.same("READ an unknown booking", 404, "GET", f"{BOOKINGS}/{uuid4()}")


def compare_confirmations(sides: Comparison, made: tuple[str, str]) -> None:
    paths = f"{BOOKINGS}/{made[0]}/confirm", f"{BOOKINGS}/{made[1]}/confirm"
    sides.same("CONFIRM another's booking", 404, "POST", paths, key=sides.rival_key)
    sides.same("CONFIRM", 200, "POST", paths)
    sides.same("CONFIRM again", 200, "POST", paths)
    for booking_id in made:
        sides.same("READ what is confirmed", 200, "GET", f"{BOOKINGS}/{booking_id}")
    canceled = sides.ours.ask("POST", "/bookFlight", booking_of(flights_in(sides.ours, hours=120)[1], 1)).body
    sides.ours.ask("POST", f"{BOOKINGS}/{canceled['booking_id']}/cancel")
    sides.same("CONFIRM what is canceled", 409, "POST", f"{BOOKINGS}/{canceled['booking_id']}/confirm")


def compare_orders(sides: Comparison) -> None:
    first, second = (product["product_id"] for product in sides.ours.ask("GET", "/products").body["products"][:2])

    def order(*items: tuple[str, int]) -> dict:
        return {"customer_id": "CUST1", "items": [{"product_id": name, "quantity": n} for name, n in items]}

    sides.same("ORDER", 201, "POST", "/orders", order((first, 1)))
    sides.same("ORDER two products, one twice", 201, "POST", "/orders", order((second, 2), (first, 1), (second, 1)))
    sides.same("ORDER an unknown product", 400, "POST", "/orders", order(("NOTHING", 1)))
    sides.same("ORDER more than there is", 409, "POST", "/orders", order(*[(first, 10_000)] * 100))
    sides.same("ORDER nothing", 400, "POST", "/orders", order())
    sides.same("ORDER with a bad key", 403, "POST", "/orders", order((first, 1)), key="sb_test_bad")
    sides.same("LIST", 200, "GET", "/orders?page=1&limit=3")
    sides.same("LIST a later page", 200, "GET", "/orders?page=2&limit=2")
    sides.same("LIST beyond the end", 200, "GET", "/orders?page=100000&limit=100")
    sides.same("LIST another's", 200, "GET", "/orders", key=sides.rival_key)


def compare_scans(sides: Comparison) -> None:
    tomorrow = [f for f in flights_in(sides.ours, hours=24) if is_within_a_day(f)] or flights_in(sides.ours, hours=8)
    flight, other = tomorrow[0], tomorrow[1]
    ours, theirs, third = passes_on(sides.ours, flight)
    gate, elsewhere = (f"/api/v1/flights/{f['event_id']}/scans" for f in (flight, other))

    def shown(barcode: str) -> dict:
        return {"barcode": barcode, "nonce": str(uuid4()), "device_id": "gate-1"}

    sides.same("SCAN what is no pass", 200, "POST", gate, (shown("a newspaper"), shown("a newspaper")))
    sides.same("SCAN at another gate", 200, "POST", elsewhere, (shown(third), shown(third)))
    sides.same("SCAN at no flight's gate", 404, "POST", f"/api/v1/flights/{uuid4()}/scans", shown(third))
    sides.same("SCAN as no ground handler", 403, "POST", gate, shown(third), key=sides.rival_key)
    first = shown(ours), shown(theirs)
    sides.same("SCAN", 200, "POST", gate, first)
    sides.same("SCAN sent again", 200, "POST", gate, first)
    sides.same("SCAN of who is aboard", 200, "POST", gate, (shown(theirs), shown(ours)))
    reused = tuple(one | {"barcode": third} for one in first)
    sides.same("SCAN with a used nonce", 422, "POST", gate, reused)


def is_within_a_day(flight: dict) -> bool:
    ahead = datetime.fromisoformat(flight["departureTime"]) - datetime.now(UTC)
    return timedelta(hours=2) < ahead < timedelta(hours=23)


def passes_on(side: Side, flight: dict) -> list[str]:
    """Sell a flight to three passengers, check them in, and return the texts of their boarding passes."""
    party = [{"surname": "Passenger", "given_name": "Ada"}] * 3
    body = {"flights": [{"event_id": flight["event_id"]}], "passengers": party}
    booking = side.ask("POST", BOOKINGS, body).body
    side.ask("POST", f"{BOOKINGS}/{booking['booking_id']}/confirm")
    for ticket in booking["tickets"]:
        side.ask("PUT", f"/api/v1/tickets/{ticket['ticket_id']}/travel-document", PASSPORT)
    checked_in = side.ask("POST", f"{BOOKINGS}/{booking['booking_id']}/check-in", {}).body
    return [one["barcode"] for one in checked_in["boarding_passes"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("skybridge", "yardstick", "key", "rival"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    sides = Comparison(Side(options.skybridge, options.key), Side(options.yardstick, options.key), options.rival)
    flight = flights_in(sides.ours, hours=120)[0]
    compare_searches(sides, flight)
    made = compare_bookings(sides, flight)
    compare_readings(sides, made)
    compare_confirmations(sides, made)
    compare_orders(sides)
    compare_scans(sides)
    sys.exit(f"{sides.different} calls are answered differently." if sides.different else None)


if __name__ == "__main__":
    main()
