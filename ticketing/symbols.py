"""The symbols that carry a text: PDF417 on paper, Aztec or QR on a screen, as SVG and as PNG.

Black on white, every module a whole number of pixels, with the quiet zone around.
"""

import struct
import zlib
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape

import zxingcpp

BLACK, WHITE = 0, 1
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Symbology(StrEnum):
    PDF417 = "pdf417"
    AZTEC = "aztec"
    QR = "qr"


class Style(NamedTuple):
    """How a symbology is drawn: how much of it corrects errors, and how many modules around it stay white."""

    format: zxingcpp.BarcodeFormat
    correction: str
    quiet_zone: int


# Source: ISO/IEC 15438 (quiet zone of 2, level by the length of the text), 24778 (23 % recommended, no quiet zone
# needed; one helps on dark pages), 18004 (level M, quiet zone of 4).
STYLES = {
    Symbology.PDF417: Style(zxingcpp.BarcodeFormat.PDF417, "4", 2),
    Symbology.AZTEC: Style(zxingcpp.BarcodeFormat.Aztec, "23%", 2),
    Symbology.QR: Style(zxingcpp.BarcodeFormat.QRCode, "M", 4),
}


class Undrawable(ValueError):
    """A text that a symbology has no room for, or that does not belong into a pass."""


class Symbol(NamedTuple):
    """Rows of modules, quiet zone included; each octet is BLACK or WHITE."""

    rows: tuple[bytes, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def height(self) -> int:
        return len(self.rows)

    def svg(self, title: str) -> str:
        """Return an SVG element for a page. It scales to the room it is given; the title is what a reader speaks."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'shape-rendering="crispEdges"><title>{escape(title)}</title>'
            f'<path fill="#fff" d="M0 0h{self.width}v{self.height}H0z"/><path fill="#000" d="{self.outline()}"/></svg>'
        )

    def outline(self) -> str:
        """Return the black bars as rectangles of an SVG path; equal rows are one row of taller bars."""
        path, y = [], 0
        for row, equal in groupby(self.rows):
            height = len(list(equal))
            path += [f"M{x} {y}h{width}v{height}h-{width}z" for x, width in bars(row)]
            y += height
        return "".join(path)

    def png(self, scale: int = 4) -> bytes:
        """Return a PNG image of one bit a pixel, so many pixels a module. Source: W3C PNG (third edition)."""
        if scale < 1:
            raise ValueError(f"a module is at least one pixel, not {scale}")
        header = struct.pack(">IIBBBBB", self.width * scale, self.height * scale, 1, 0, 0, 0, 0)
        lines = b"".join((b"\0" + packed(row, scale)) * scale for row in self.rows)
        return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def draw(text: str, symbology: Symbology) -> Symbol:
    """Return the symbol of a text. Raises Undrawable for one that is empty, too long or not printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise Undrawable(f"{symbology}: only printable ASCII reads back everywhere")
    style = STYLES[symbology]
    try:
        barcode = zxingcpp.create_barcode(text, style.format, ec_level=style.correction)
    except ValueError as error:
        raise Undrawable(f"{symbology}: {error}") from None
    return framed(modules(barcode), style.quiet_zone)


AS_MODULES = bytes(BLACK if shade < 128 else WHITE for shade in range(256))


def modules(barcode: zxingcpp.Barcode) -> list[bytes]:
    pixels = memoryview(barcode.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]  # it is a buffer
    _, width = pixels.shape or (0, 0)
    octets = pixels.tobytes().translate(AS_MODULES)
    return [octets[start : start + width] for start in range(0, len(octets), width)]


def framed(rows: list[bytes], quiet_zone: int) -> Symbol:
    side = bytes([WHITE]) * quiet_zone
    empty = bytes([WHITE]) * (len(rows[0]) + 2 * quiet_zone)
    return Symbol((*[empty] * quiet_zone, *(side + row + side for row in rows), *[empty] * quiet_zone))


def bars(row: bytes) -> list[tuple[int, int]]:
    """Return the black runs of a row as (place, width)."""
    found, x = [], 0
    for module, run in groupby(row):
        width = len(list(run))
        if module == BLACK:
            found.append((x, width))
        x += width
    return found


def packed(row: bytes, scale: int) -> bytes:
    """Return a row as bits, each module `scale` of them; the last octet is filled up."""
    bits = "".join(str(module) * scale for module in row)
    octets = (len(bits) + 7) // 8
    return int(bits.ljust(octets * 8, "0"), 2).to_bytes(octets, "big")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# --- Reading one ---


def read_symbol(grey: bytes, width: int, height: int) -> str:
    """Return the text of the first boarding pass symbol in a picture of grey octets, row by row; "" for none."""
    picture = memoryview(grey).cast("B", (height, width))
    formats = zxingcpp.BarcodeFormats([style.format for style in STYLES.values()])
    found = zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    return next((barcode.text for barcode in found if barcode.text), "")
