"""The gate's page: scanned, named and photographed passes, with and without a script, and who may."""

import io

import pytest
from django.urls import reverse
from PIL import Image

from tests import factories
from tests.ticketing.airport import agent_of, in_role, opened, sent, text_of
from tests.ticketing.desk import soon
from tests.ticketing.gates import ADA, BOB, check_in, everything, leave_in, status_of
from ticketing.gate import Reason
from ticketing.models import BoardingPass, Scan
from ticketing.scans import Conflict
from ticketing.symbols import Symbology, draw
from ticketing.views.gate_words import all_words

NONCES = iter(range(1_000_000))


@pytest.fixture
def flight(db):
    return soon(number=123)


@pytest.fixture
def clerk(db):
    return in_role("check-in")


def gate_of(flight) -> str:
    return reverse("gate", args=[flight.pk])


def scanned(clerk, flight, text: str, **more):
    """Send the form as a browser without JavaScript does, and return the page that it is led to."""
    form = {"scan": text, "nonce": f"page-{next(NONCES)}", **more}
    answer = sent(clerk, gate_of(flight), form, 302)
    return clerk.get(answer.headers["Location"])


def test_a_scan_boards(clerk, acme, flight):
    [ada] = check_in(acme, flight)
    assert "0 / 1 On board / checked in" in opened(clerk, gate_of(flight))
    page = scanned(clerk, flight, ada.barcode)
    assert "Welcome on board Lovelace, Ada Ms Seat" in text_of(page)
    assert "1 / 1" in text_of(page)
    assert status_of(ada)[0] == "L"


def test_a_refusal_says_why_and_what_to_do(clerk, acme, flight):
    [ada] = check_in(acme, flight)
    scanned(clerk, flight, ada.barcode)
    page = scanned(clerk, flight, ada.barcode)
    assert "Already on board Lovelace, Ada Ms" in text_of(page)
    assert "Look at the passport: this pass was used before." in text_of(page)
    other = soon(number=7)
    [bob] = check_in(acme, other, BOB)
    before = everything()
    said = text_of(scanned(clerk, flight, bob.barcode))
    assert "A pass for another flight" in said
    assert f"The pass is for FL7, {other.departure_date}" in said
    assert "This is not a boarding pass" in text_of(scanned(clerk, flight, "x" * 60))
    assert everything() == before


def test_a_form_that_is_sent_twice_boards_once(clerk, acme, flight):
    [ada, bob] = check_in(acme, flight, ADA, BOB)
    scanned(clerk, flight, ada.barcode, nonce="one")
    assert "Welcome on board" in text_of(scanned(clerk, flight, ada.barcode, nonce="one"))
    assert Scan.objects.count() == 1
    before = everything()
    refused = sent(clerk, gate_of(flight), {"scan": bob.barcode, "nonce": "one"}, 422)
    assert "This form has boarded somebody else already." in text_of(refused)
    assert everything() == before


@pytest.mark.parametrize("name", ["1", "001", "seat", "lovelace"])
def test_passengers_are_named_by_hand(clerk, acme, flight, name):
    [ada, _bob] = check_in(acme, flight, ADA, BOB)
    page = scanned(clerk, flight, ada.seat.lower() if name == "seat" else name)
    assert "Welcome on board Lovelace" in text_of(page)
    assert status_of(ada)[0] == "L"


def test_of_several_one_is_chosen(clerk, acme, flight):
    [ada, bob] = check_in(acme, flight, ADA, BOB)
    before = everything()
    locator = ada.coupon.ticket.booking.locator
    page = sent(clerk, gate_of(flight), {"scan": locator, "nonce": "x"}, 200)
    assert "Several passengers fit. Choose one. 1 Lovelace, Ada Ms" in text_of(page)
    assert everything() == before
    scanned(clerk, flight, str(bob.sequence_number))
    assert [status_of(ada)[0], status_of(bob)[0]] == ["C", "L"]


@pytest.mark.parametrize("text", ["", "nobody", "99", "zzzzzz"])
def test_nobody_fits(clerk, acme, flight, text):
    check_in(acme, flight)
    before = everything()
    page = sent(clerk, gate_of(flight), {"scan": text, "nonce": "x"}, 400)
    assert ("Nobody with this" in text_of(page)) == bool(text)
    assert everything() == before


def test_the_times_are_told(clerk, acme, flight):
    [ada] = check_in(acme, flight, minutes=90)
    said = text_of(scanned(clerk, flight, ada.barcode))
    assert "Boarding is not open yet" in said
    assert "Boarding opens at" in said
    leave_in(flight, 10)
    assert "The gate is closed" in text_of(scanned(clerk, flight, ada.barcode))
    assert status_of(ada)[0] == "C"


def test_who_may_open_the_gate(agent, handler, acme, nobody, flight):
    [ada] = check_in(acme, flight)
    before = everything()
    for client in (agent.client, in_role("viewer"), in_role("reservations")):
        opened(client, gate_of(flight), 403)
        sent(client, gate_of(flight), {"scan": ada.barcode, "nonce": "x"}, 403)
        assert client.get(reverse("gate-passes", args=[flight.pk])).status_code == 403
    assert nobody.client.get(gate_of(flight)).headers["Location"].startswith("/login/")
    assert everything() == before
    scanned(agent_of(handler), flight, ada.barcode)
    assert status_of(ada)[0] == "L"


def test_another_flights_scan_is_not_shown(clerk, acme, flight):
    [ada] = check_in(acme, flight)
    scanned(clerk, flight, ada.barcode)
    other = soon(number=9)
    assert "Lovelace" not in opened(clerk, f"{gate_of(other)}?scan={Scan.objects.get().pk}")
    assert "Lovelace" not in opened(clerk, f"{gate_of(other)}?scan=nonsense")
    opened(clerk, reverse("gate", args=[factories.booking().pk]), 404)


def test_the_gate_needs_few_statements(clerk, acme, flight, django_assert_max_num_queries):
    passes = check_in(acme, flight, *[ADA] * 9)
    page = scanned(clerk, flight, passes[0].barcode)
    before = everything()
    with django_assert_max_num_queries(9):
        clerk.get(page.wsgi_request.get_full_path())
    with django_assert_max_num_queries(5):
        clerk.get(reverse("gate-passes", args=[flight.pk]))
    assert everything() == before


# --- What the script asks for ---


def test_the_device_gets_the_passes(clerk, acme, flight):
    [ada, bob] = check_in(acme, flight, ADA, BOB)
    scanned(clerk, flight, bob.barcode)
    answer = clerk.get(reverse("gate-passes", args=[flight.pk]))
    found = answer.json()
    assert found["counts"] == {"checked_in": 2, "boarded": 1}
    assert found["passes"][0] == {
        "sequence_number": 1,
        "seat": ada.seat,
        "name": "Lovelace, Ada Ms",
        "locator": ada.coupon.ticket.booking.locator,
        "is_aboard": False,
        "barcode": ada.barcode,
    }
    again = clerk.get(answer.wsgi_request.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    named = clerk.get(answer.wsgi_request.path, {"q": "babbage"}).json()
    assert [each["sequence_number"] for each in named["passes"]] == [bob.sequence_number]


def test_a_session_uploads_scans(clerk, acme, flight):
    """The page sends what it has kept by the API, with its session."""
    [ada] = check_in(acme, flight)
    body = {"scans": [{"barcode": ada.barcode, "nonce": "1", "device_result": "accepted"}]}
    answer = clerk.post(f"/api/v1/flights/{flight.pk}/scans", body, content_type="application/json")
    assert [each["result"] for each in answer.json()] == ["accepted"]


def picture(boarding_pass: BoardingPass, symbology: str, scale: int) -> Image.Image:
    symbol = Image.open(io.BytesIO(draw(boarding_pass.barcode, Symbology(symbology)).png(scale))).convert("L")
    image = Image.new("L", (symbol.width + 60, symbol.height + 60), 150)
    image.paste(symbol, (30, 30))
    return image


def photographed(clerk, flight, grey: bytes, width: object, height: object):
    path = f"{reverse('gate-frame', args=[flight.pk])}?width={width}&height={height}"
    return clerk.post(path, grey, content_type="application/octet-stream")


@pytest.mark.parametrize(("symbology", "scale"), [("aztec", 5), ("pdf417", 3), ("qr", 4)])
def test_pictures_are_read(clerk, acme, flight, symbology, scale):
    [ada] = check_in(acme, flight)
    image = picture(ada, symbology, scale)
    before = everything()
    answer = photographed(clerk, flight, image.tobytes(), *image.size)
    assert answer.json() == {"text": ada.barcode}
    assert photographed(clerk, flight, b"\x80" * 640 * 480, 640, 480).json() == {"text": ""}
    assert everything() == before


@pytest.mark.parametrize(
    ("size", "width", "height", "status"),
    [(10, 5, 3, 400), (0, 0, 0, 413), (10, "x", 1, 400), (10, 100_000, 100_000, 413), (1_100_000, 1100, 1000, 413)],
)
def test_other_pictures_are_refused(clerk, flight, size, width, height, status):
    assert photographed(clerk, flight, b"\0" * size, width, height).status_code == status


def test_there_are_words_for_each_reason():
    words = all_words()
    assert all(title and advice for title, advice in words["refusals"].values())
    assert set(words["refusals"]) == {reason.value for reason in Reason}
    assert set(words["conflicts"]) == {kind.value for kind in Conflict}


def test_conflicts_are_shown(clerk, acme, flight):
    [ada] = check_in(acme, flight)
    sent(clerk, reverse("offload", args=[flight.pk, ada.coupon_id]), {}, 302)
    body = {"scans": [{"barcode": ada.barcode, "nonce": "1", "device_result": "accepted"}]}
    clerk.post(f"/api/v1/flights/{flight.pk}/scans", body, content_type="application/json")
    assert "The device let somebody board whom we refuse. Look on board." in opened(clerk, gate_of(flight))
