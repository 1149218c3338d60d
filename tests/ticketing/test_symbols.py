"""Symbols: what is drawn reads back, from the PNG and from the SVG."""

import re
import struct
import zlib
from xml.etree import ElementTree

import pytest
import zxingcpp

from tests.ticketing.bcbp_vectors import TEXTS
from ticketing.symbols import BLACK, WHITE, Symbol, Symbology, Undrawable, draw

SVG = "{http://www.w3.org/2000/svg}"
SHORTEST, LONGEST = min(TEXTS, key=len), max(TEXTS, key=len)
WITH_BLANKS_AT_ITS_END = next(text for text in TEXTS if text.endswith("     "))
PASSES = {"shortest": SHORTEST, "longest": LONGEST, "blanks": WITH_BLANKS_AT_ITS_END, "signed": TEXTS[45]}
FORMATS = {
    Symbology.PDF417: zxingcpp.BarcodeFormat.PDF417,
    Symbology.AZTEC: zxingcpp.BarcodeFormat.Aztec,
    Symbology.QR: zxingcpp.BarcodeFormat.QRCode,
}
QUIET_ZONES = {Symbology.PDF417: 2, Symbology.AZTEC: 2, Symbology.QR: 4}

each_symbology = pytest.mark.parametrize("symbology", list(Symbology))
each_pass = pytest.mark.parametrize("text", PASSES.values(), ids=PASSES)


def read_png(png: bytes) -> tuple[int, int, list[bytes]]:
    """Return width, height and rows of a one-bit grayscale image as octets of 0 and 255. Every checksum is checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [1, 0, 0, 0, 0]
    stride, lines = (width + 7) // 8 + 1, zlib.decompress(chunks[b"IDAT"])
    assert len(lines) == stride * height
    rows = [lines[start : start + stride] for start in range(0, len(lines), stride)]
    assert {row[0] for row in rows} == {0}
    bits = ["".join(f"{octet:08b}" for octet in row[1:])[:width] for row in rows]
    return width, height, [bytes(255 * int(bit) for bit in row) for row in bits]


def read_svg(svg: str) -> list[bytes]:
    """Draw an SVG of rectangles, one pixel a unit, and return its rows as octets of 0 and 255."""
    root = ElementTree.fromstring(svg)
    width, height = (int(number) for number in root.get("viewBox").split()[2:])
    rows = [bytearray(b"\x80" * width) for _ in range(height)]
    for path in root.iter(f"{SVG}path"):
        shade = {"#fff": b"\xff", "#000": b"\0"}[path.get("fill")]
        bars = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)[hH]-?(\d+)z", path.get("d"))
        assert "".join(f"M{x} {y}h{w}v{h}" for x, y, w, h, _ in bars) == re.sub("[hH]-?[0-9]+z", "", path.get("d"))
        for x, y, w, h, _ in (map(int, bar) for bar in bars):
            for row in rows[y : y + h]:
                row[x : x + w] = shade * w
    return [bytes(row) for row in rows]


def read_symbol(rows: list[bytes]) -> list[tuple]:
    image = memoryview(b"".join(rows)).cast("B", (len(rows), len(rows[0])))
    return [
        (code.format, code.text)
        for code in zxingcpp.read_barcodes(image, formats=list(FORMATS.values()), text_mode=zxingcpp.TextMode.Plain)
    ]


def enlarged(rows: list[bytes], scale: int) -> list[bytes]:
    return [bytes(shade for shade in row for _ in range(scale)) for row in rows for _ in range(scale)]


@each_symbology
@each_pass
def test_a_png_reads_back(symbology, text):
    width, height, rows = read_png(draw(text, symbology).png())
    assert (width, height) == (len(rows[0]), len(rows))
    assert read_symbol(rows) == [(FORMATS[symbology], text)]


@each_symbology
@each_pass
def test_an_svg_reads_back(symbology, text):
    rows = read_svg(draw(text, symbology).svg("Boarding pass"))
    assert read_symbol(enlarged(rows, 3)) == [(FORMATS[symbology], text)]


@each_symbology
def test_every_real_pass_reads_back(symbology):
    for text in TEXTS:
        assert read_symbol(read_png(draw(text, symbology).png(3))[2]) == [(FORMATS[symbology], text)]


@each_symbology
@pytest.mark.parametrize("scale", [1, 2, 3, 5])
def test_both_pictures_have_the_same_modules(symbology, scale):
    symbol = draw(LONGEST, symbology)
    modules = [bytes(255 * module for module in row) for row in symbol.rows]
    assert read_svg(symbol.svg("Boarding pass")) == modules
    assert read_png(symbol.png(scale))[2] == enlarged(modules, scale)


@each_symbology
def test_the_quiet_zone_is_white_and_no_wider(symbology):
    rows, zone = draw(SHORTEST, symbology).rows, QUIET_ZONES[symbology]
    columns = [bytes(column) for column in zip(*rows, strict=True)]
    for lines in (rows, columns, rows[::-1], columns[::-1]):
        assert {bytes(set(line)) for line in lines[:zone]} == {bytes([WHITE])}
        assert BLACK in lines[zone]


@each_symbology
def test_an_svg_scales_and_speaks(symbology):
    symbol = draw(SHORTEST, symbology)
    root = ElementTree.fromstring(svg := symbol.svg("LOVELACE & <ADA>"))
    assert root.attrib == {
        "viewBox": f"0 0 {symbol.width} {symbol.height}",
        "role": "img",
        "shape-rendering": "crispEdges",
    }
    assert (root[0].tag, root[0].text) == (f"{SVG}title", "LOVELACE & <ADA>")
    assert not re.search("style|currentColor|DOCTYPE|[?]xml", svg)


@each_symbology
@pytest.mark.parametrize("text", ["", "x" * 5000, "é", "\ud800", "M1\n"])
def test_what_cannot_be_drawn_is_refused(symbology, text):
    with pytest.raises(Undrawable):
        draw(text, symbology)


@pytest.mark.parametrize("scale", [0, -1])
def test_a_module_is_at_least_a_pixel(scale):
    with pytest.raises(ValueError):
        Symbol((b"\0\1",)).png(scale)


@each_symbology
def test_the_largest_signed_pass_can_be_drawn(symbology):
    """Two legs that fill their variable parts, and a signature."""
    text = (LONGEST * 4)[:751]
    assert read_symbol(read_png(draw(text, symbology).png(3))[2]) == [(FORMATS[symbology], text)]
