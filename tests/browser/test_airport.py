"""The airport: the board, the check-in desk against the clock, and the gate with a scanner that types, also offline."""

from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

from tests.browser.keys import Keys
from tests.concurrency.racing import HttpApi
from tests.ticketing.gates import status_of
from ticketing.models import BoardingPass

MOST_STROKES, MOST_SECONDS = 25, 6
NO_NETWORK = "net::ERR_INTERNET_DISCONNECTED"


def test_a_departure_is_found_by_keyboard(office, world):
    window, trade = office("check-in"), world.trade
    keys = Keys(window)
    window.look("/departures/?airport=EWR")
    keys.fill("Filter", "231")
    window.said("#said", "Shown flights: 1")
    keys.follow("FL 231")
    assert window.page.url.endswith(f"/departures/{trade.boarding.pk}/")
    window.verify_new()
    keys.fill("Search", "turing").follow()
    window.said("p", "1 passenger")
    window.verify_new()


def test_a_known_passenger_is_checked_in_within_six_seconds(office, world):
    """From an empty field to the boarding pass."""
    window, known = office("check-in"), world.trade.known
    keys = Keys(window)
    window.look("/departures/check-in/?airport=EWR")
    keys.begin_on("#id_who")
    began = monotonic()
    keys.type(known["record_locator"]).follow().begin_on("[type=submit]").follow()
    window.page.wait_for_selector(".desk-done .card")
    took = monotonic() - began
    assert keys.strokes <= MOST_STROKES
    assert took <= MOST_SECONDS
    window.said("[role=status]", "Checked in: one boarding pass")
    keys.begin_on("#id_who")  # for the next one
    window.verify_new()


def test_a_passenger_is_chosen_among_namesakes_by_arrows(office, world):
    window, pair = office("check-in"), world.trade.pair
    keys = Keys(window)
    window.open("/departures/check-in/?airport=EWR")
    keys.begin_on("#id_who").type("lovelace").follow().begin_on(".hits a")
    window.verify_new()
    keys.seek("ArrowDown", pair["record_locator"]).follow().begin_on("[type=submit]")
    window.verify_new()
    keys.follow()
    assert keys.strokes <= MOST_STROKES
    window.said("[role=status]", "Checked in: 2 boarding passes")
    window.open("/departures/check-in/?airport=EWR&q=nobody")
    assert "Nobody is found." in keys.focus
    window.verify_new()


def test_the_gate_takes_what_a_scanner_types(office, world):
    window, (hopper, *_) = gate(office, world), world.trade.passes
    other = BoardingPass.objects.get(pk=world.things["good_pass"])
    keys = Keys(window)
    for shown, verdict, title in (
        (hopper.barcode, "is-done", "Welcome on board"),
        (hopper.barcode, "is-failed", "Already on board"),
        (other.barcode, "is-failed", "A pass for another flight"),
    ):
        keys.type(shown).press("Enter")
        window.said("#result", title)
        assert window.page.query_selector(f"#result .{verdict}")
        assert keys.is_on("#id_scan")
        window.verify_new()
    assert status_of(hopper)[0] == "L"
    assert window.page.inner_text("#boarded") == "1"


def test_passengers_are_named_when_a_pass_does_not_scan(office, world):
    window = gate(office, world)
    keys = Keys(window)
    keys.type("noe").press("Enter")
    window.said("#result", "Noether, Sam")
    keys.type("999").press("Enter")
    window.said("#result", "Nobody with this number")
    window.verify_new()


def test_the_gate_works_without_a_connection(office, world):
    """What was decided here is sent later; where another device was faster, people are told."""
    window, (_, turing, boole, _) = gate(office, world), world.trade.passes
    keys, network = Keys(window), window.page.context
    network.set_offline(True)
    try:
        window.said("#connection", "Offline")
        for number, shown in enumerate((turing, boole), 1):
            keys.type(shown.barcode).press("Enter")
            window.said("#result", "Decided on this device, not sent yet")
            window.said("#queue", f"Scans that wait: {number}")
        keys.type(boole.barcode).press("Enter")
        window.said("#result", "Already on board")
        window.expect(NO_NETWORK)
        window.verify_new()
        elsewhere(world, boole)
    finally:
        network.set_offline(False)
    window.said("#queue", "Nothing waits")
    window.page.wait_for_selector("#conflicts >> text=Two devices have let somebody board")
    window.said("#connection", "Online")
    assert [status_of(shown)[0] for shown in (turing, boole)] == ["L", "L"]
    window.expect(NO_NETWORK)
    window.verify_new()


def gate(office, world):
    """Open the gate, and wait until the device knows the flight's passes."""
    window = office("supervisor")
    with window.page.expect_response("**/gate/passes/"):
        window.open(f"/departures/{world.trade.boarding.pk}/gate/")
    window.said("#connection", "Online")
    window.page.wait_for_selector("#id_scan:focus")
    window.verify_new()
    return window


def elsewhere(world, shown) -> None:
    """Let a passenger board at another device."""
    body = {"barcode": shown.barcode, "nonce": str(uuid4()), "device_id": "another"}
    device = HttpApi(urlsplit(world.base).port, world.trade.handler.headers)
    answer = device.post(f"/api/v1/flights/{world.trade.boarding.pk}/scans", body)
    assert answer.json()["result"] == "accepted", answer.content
