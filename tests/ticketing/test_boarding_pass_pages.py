"""The links of a boarding pass: pages, PDF and symbols for whoever has one, read back as a scanner would."""

import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image

from flights.models import Airport
from tests import factories
from tests.ticketing.test_passes import checked_in
from ticketing import passes
from ticketing.documents import boarding_pass_document
from ticketing.links import links_of, token_of
from ticketing.models import BoardingPass, Coupon, Departure

FORMATS = {
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
    "aztec": zxingcpp.BarcodeFormat.Aztec,
    "qr": zxingcpp.BarcodeFormat.QRCode,
}


@pytest.fixture
def boarding_pass(flight):
    Departure.objects.create(flight=flight, gate="B12")
    return passes.issue_pass(checked_in(flight), sequence_number=7, at=timezone.now())


@pytest.fixture
def links(boarding_pass):
    return links_of(boarding_pass.pk)


def read(image: Image.Image) -> zxingcpp.Barcode:
    [found] = zxingcpp.read_barcodes(image, formats=list(FORMATS.values()))
    return found


def image_of_svg(text: str, scale: int = 4) -> Image.Image:
    """Draw the rectangles of a symbol's SVG with nothing of ours."""
    width, height = (int(n) for n in re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
    image = Image.new("L", (width * scale, height * scale), 255)
    for x, y, w, h in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", text):
        left, top, right, bottom = (int(n) * scale for n in (x, y, int(x) + int(w), int(y) + int(h)))
        image.paste(0, (left, top, right, bottom))
    return image


class Spoken(HTMLParser):
    """What a screen reader says: text outside of what is hidden from it."""

    VOID = ("meta", "link", "img", "path", "br")

    def __init__(self, page: str):
        super().__init__()
        self.hidden, self.words, self.pictures = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "img":
            self.pictures.append(named.get("alt"))
        if tag not in self.VOID:
            self.hidden.append(named.get("aria-hidden") == "true" or tag == "head")

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            self.hidden.pop()

    def handle_data(self, data):
        if data.strip() and not any(self.hidden):
            self.words.append(data.strip())


@pytest.mark.parametrize("page", ["page", "phone"])
def test_a_page_shows_the_pass_to_whoever_has_its_link(nobody, boarding_pass, links, page):
    answer = nobody.get(links[page])
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    spoken = Spoken(answer.content.decode()).words
    shown = {"LOVELACE / ADA MS", "FL 123", "JFK", "LAX", "New York", "B12", "12A", "007", "Economy"}
    assert shown <= set(spoken)
    assert boarding_pass.coupon.ticket.booking.locator in spoken


@pytest.mark.parametrize("page", ["page", "phone"])
def test_a_page_has_a_symbol_with_words_that_scans(nobody, boarding_pass, links, page):
    text = nobody.get(links[page]).content.decode()
    symbol = re.search(r'<div class="symbol">(<svg.*?</svg>)', text, re.DOTALL)[1]
    assert re.search(r'role="img".*<title>Barcode of the boarding pass of LOVELACE / ADA MS: FL 123,', symbol)
    assert read(image_of_svg(symbol)).text == boarding_pass.barcode


@pytest.mark.parametrize("name", ["page", "phone", "pdf", "svg", "png"])
def test_nobody_on_the_way_keeps_or_passes_on_a_link(nobody, links, name, caplog):
    with caplog.at_level("INFO", "skybridge.access"):
        answer = nobody.get(links[name])
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert "style-src" not in answer["Content-Security-Policy"]
    [line] = [record.facts for record in caplog.records if hasattr(record, "facts")]
    assert line["path"] == re.sub(r"/[^/.]{66}", "/...", links[name])
    assert "~" not in line["path"]


@pytest.mark.parametrize("page", ["page", "phone"])
def test_pages_keep_to_the_content_security_policy(nobody, links, page):
    text = nobody.get(links[page]).content.decode()
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text)
    assert Spoken(text).pictures == [""]


@pytest.mark.parametrize("symbology", FORMATS)
def test_symbols_scan(nobody, boarding_pass, links, symbology):
    svg = nobody.get(f"{links['svg']}?symbology={symbology}")
    png = nobody.get(f"{links['png']}?symbology={symbology}")
    assert (svg["Content-Type"], png["Content-Type"]) == ("image/svg+xml", "image/png")
    for image in (image_of_svg(svg.content.decode()), Image.open(BytesIO(png.content))):
        found = read(image)
        assert (found.text, found.format) == (boarding_pass.barcode, FORMATS[symbology])


def test_a_symbol_is_pdf417_unless_wanted_otherwise(nobody, links):
    assert nobody.get(links["svg"]).content == nobody.get(f"{links['svg']}?symbology=pdf417").content


@pytest.mark.parametrize("query", ["symbology=code39", "symbology=", "size=3"])
def test_another_symbology_is_refused(nobody, links, query):
    answer = nobody.get(f"{links['png']}?{query}")
    if query == "symbology=":
        assert answer.status_code == 200  # as everywhere: an empty parameter is none
        return
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == f"/{query.split('=')[0]}"


def test_the_pdf_is_one_page_whose_symbol_scans(nobody, boarding_pass, links):
    answer = nobody.get(links["pdf"])
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="boarding-pass-FL123-JFK-LAX.pdf"'
    [page] = pypdfium2.PdfDocument(answer.content)
    assert read(page.render(scale=3).to_pil()).text == boarding_pass.barcode
    text = page.get_textpage().get_text_range()
    assert all(shown in text for shown in ("LOVELACE / ADA MS", "B12", "12A", "JFK", "LAX", "999 1234567890"))


def test_the_pdf_has_no_picture_in_it(nobody, links):
    """The symbol is drawn in vectors, however far one zooms in."""
    [page] = pypdfium2.PdfDocument(nobody.get(links["pdf"]).content)
    assert all(item.type != pypdfium2.raw.FPDF_PAGEOBJ_IMAGE for item in page.get_objects())


def test_cities_with_letters_that_fonts_lack(db, nobody):
    flight = factories.flight("KRK", "GRU")
    for airport, city in (("KRK", "Łódź"), ("GRU", "São Paulo")):
        Airport.objects.filter(pk=airport).update(city=city)
    made = passes.issue_pass(checked_in(flight), sequence_number=1, at=timezone.now())
    [page] = pypdfium2.PdfDocument(nobody.get(links_of(made.pk)["pdf"]).content)
    text = page.get_textpage().get_text_range()
    assert "São Paulo" in text
    assert "Lodz" in text


@pytest.mark.parametrize("name", ["page", "phone", "pdf"])
@pytest.mark.parametrize("reason", BoardingPass.End.values)
def test_an_ended_pass_is_marked_and_has_no_symbol(nobody, boarding_pass, links, name, reason):
    passes.end_passes([boarding_pass.coupon_id], reason, at=timezone.now())
    answer = nobody.get(links[name])
    assert answer.status_code == 200
    if name == "pdf":
        [page] = pypdfium2.PdfDocument(answer.content)
        assert "Not valid any more" in page.get_textpage().get_text_range()
        assert zxingcpp.read_barcodes(page.render(scale=3).to_pil()) == []
    else:
        assert "Not valid any more" in " ".join(Spoken(answer.content.decode()).words)
        assert b'class="symbol"' not in answer.content


def test_a_pass_of_a_cancelled_flight_is_marked_too(nobody, boarding_pass, links):
    type(boarding_pass.flight).objects.filter(pk=boarding_pass.flight_id).update(status="cancelled")
    assert "The flight is cancelled." in nobody.get(links["phone"]).content.decode()


@pytest.mark.parametrize("name", ["svg", "png"])
def test_an_ended_pass_has_no_symbol_of_its_own(nobody, boarding_pass, links, name):
    passes.end_passes([boarding_pass.coupon_id], "reissued", at=timezone.now())
    answer = nobody.get(links[name])
    assert (answer.status_code, answer.json()["code"]) == (410, "boarding_pass_ended")


@pytest.mark.parametrize("ending", ["", "/", "/phone", ".pdf", ".svg", ".png"])
def test_a_link_cannot_be_guessed(nobody, boarding_pass, ending):
    token = token_of(boarding_pass.pk)
    other = BoardingPass(pk=boarding_pass.coupon_id)
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "Q"), token[:22], str(boarding_pass.pk), token_of(other.pk),
        token_of(other.pk)[:23] + token[23:],
    ):  # fmt: skip
        answer = nobody.get(f"/boarding-passes/{wrong}{ending}")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_only_reading_is_allowed(nobody, links):
    for link in links.values():
        assert nobody.post(link).status_code == 405


@pytest.mark.parametrize("name", ["page", "phone", "pdf", "svg", "png"])
def test_a_link_costs_one_statement(nobody, links, name, django_assert_num_queries):
    nobody.get(links[name])
    with django_assert_num_queries(1):
        nobody.get(links[name])


def test_times_are_those_of_the_airport(db, nobody, settings):
    settings.BOARDING_OPENS, settings.BOARDING_CLOSES = timedelta(days=1), timedelta(minutes=20)
    departs_at = timezone.now().replace(hour=23, minute=30, second=0, microsecond=0) + timedelta(days=2)
    flight = factories.flight("NRT", "LAX", departs_at=departs_at)
    made = passes.issue_pass(checked_in(flight), sequence_number=1, at=timezone.now())
    spoken = Spoken(nobody.get(links_of(made.pk)["phone"]).content.decode()).words
    assert {"08:30", "07:45", "08:10", "See screens"} <= set(spoken)


def test_boarding_is_never_called_after_the_gate_has_closed(boarding_pass, settings):
    settings.BOARDING_CALL, settings.BOARDING_CLOSES = timedelta(minutes=10), timedelta(minutes=15)
    document = boarding_pass_document(boarding_pass)
    opens_at = boarding_pass.flight.departs_at - timedelta(minutes=15)
    assert datetime.fromisoformat(document["boardingTime"]) == opens_at


@pytest.mark.parametrize("is_ended", [True, False])
@pytest.mark.parametrize(
    ("status", "word", "text"),
    [("R", "refunded", "The ticket was refunded."), ("V", "void", "The ticket was voided."),
     ("E", "exchanged", "The ticket was exchanged.")],
)  # fmt: skip
def test_a_coupon_given_up_comes_before_why_the_pass_ended(nobody, boarding_pass, links, status, word, text, is_ended):
    if is_ended:
        passes.end_passes([boarding_pass.coupon_id], "flight_changed", at=timezone.now())
    Coupon.objects.filter(pk=boarding_pass.coupon_id).update(status=status)
    for name in ("page", "phone"):
        shown = nobody.get(links[name]).content.decode()
        assert text in shown
        assert "another flight" not in shown
    assert nobody.get(links["png"]).status_code == 410
    [document] = map(boarding_pass_document, passes.passes_of([boarding_pass.coupon_id], with_ended=True))
    assert document["status"] == word


def test_a_browser_is_shown_a_page_where_a_link_leads_nowhere(client, db):
    answer = client.get(f"/boarding-passes/{'x' * 22}~{'y' * 43}", headers={"Accept": "text/html"})
    assert (answer.status_code, "There is no such boarding pass." in answer.content.decode()) == (404, True)
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_pages_speak_the_visitors_language(client, links):
    page = client.get(links["page"], headers={"Accept-Language": "es"}).content.decode()
    assert '<html lang="es"' in page
    assert client.get(links["page"], headers={"Accept-Language": "ar"}).content.decode().count('dir="rtl"') == 1
