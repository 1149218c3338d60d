"""A boarding pass as a PDF of one page; A4 and US Letter both hold what is drawn."""

import unicodedata
from io import BytesIO

from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ticketing.faces import Face
from ticketing.symbols import Symbol, Symbology, bars, draw

NAVY, INK, QUIET, GOLD, ALARM = (HexColor(c) for c in ("#0b2a52", "#14213d", "#5b6880", "#ffd166", "#b3261e"))
LINE = HexColor("#d5deea")
LEFT, RIGHT, STUB = 16 * mm, 194 * mm, 146 * mm  # the pass, and where its stub is torn off
TOP, BOTTOM = 272 * mm, 142 * mm
MIDDLE = LEFT + 6 * mm
BAND = 17 * mm
SYMBOL_WIDTH = 112 * mm
REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
WITHOUT_STROKE = str.maketrans("ŁłĐđĦħ", "LlDdHh")
BEFORE_YOU_FLY = "Have your passport or identity card at hand. This page opens the gate once: show it to nobody else."


def pdf_of(face: Face) -> bytes:
    """Return the PDF of a pass, with its symbol only if it is good."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4, pageCompression=1, lang="en")
    canvas.setTitle(f"Boarding pass {plain(face.designator)} {face.origin}-{face.destination}")
    canvas.setAuthor(plain(face.airline))
    draw_frame(canvas, face)
    draw_route(canvas, face)
    draw_facts(canvas, face)
    draw_stub(canvas, face)
    draw_symbol_or_refusal(canvas, face)
    if not face.refusal:
        draw_foot(canvas, face)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def plain(text: str) -> str:
    """Return a text in the letters that every reader's own fonts have, others without their accents."""
    if is_western(text):
        return text
    letters = unicodedata.normalize("NFKD", text.translate(WITHOUT_STROKE))
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and is_western(letter))


def is_western(text: str) -> bool:
    return text.encode("cp1252", "ignore").decode("cp1252") == text


def write(canvas: Canvas, x: float, y: float, text: str, size: float, font: str = REGULAR, room: float = 0) -> None:
    """Write a line, smaller if it is wider than its room."""
    text = plain(text)
    width = stringWidth(text, font, size)
    if room and width > room:
        size *= room / width
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)


def draw_frame(canvas: Canvas, face: Face) -> None:
    canvas.saveState()
    outline = canvas.beginPath()
    outline.roundRect(LEFT, BOTTOM, RIGHT - LEFT, TOP - BOTTOM, 4 * mm)
    canvas.clipPath(outline, stroke=0)
    canvas.setFillColor(NAVY)
    canvas.rect(LEFT, TOP - BAND, RIGHT - LEFT, BAND, stroke=0, fill=1)
    canvas.setFillColor(GOLD)
    canvas.rect(LEFT, TOP - BAND - 1.2 * mm, RIGHT - LEFT, 1.2 * mm, stroke=0, fill=1)
    canvas.restoreState()
    canvas.setStrokeColor(LINE)
    canvas.roundRect(LEFT, BOTTOM, RIGHT - LEFT, TOP - BOTTOM, 4 * mm)
    canvas.setDash(2, 3)
    canvas.setStrokeColor(QUIET)
    canvas.line(STUB, BOTTOM, STUB, TOP - BAND - 1.2 * mm)
    canvas.setDash()
    canvas.setFillColor(white)
    write(canvas, MIDDLE, TOP - 11 * mm, face.airline, 17, BOLD, room=70 * mm)
    canvas.setFont(REGULAR, 12)
    canvas.drawRightString(STUB - 6 * mm, TOP - 10.6 * mm, f"Boarding pass · {face.cabin}")
    write(canvas, STUB + 5 * mm, TOP - 10.6 * mm, face.designator, 12, BOLD)


def draw_route(canvas: Canvas, face: Face) -> None:
    y, right = TOP - 35 * mm, STUB - 6 * mm
    canvas.setFillColor(INK)
    write(canvas, MIDDLE, y, face.origin, 34, BOLD)
    canvas.drawRightString(right, y, face.destination)
    canvas.setFillColor(QUIET)
    write(canvas, MIDDLE, y - 6 * mm, face.origin_city, 10, room=52 * mm)
    city = plain(face.destination_city)
    write(canvas, right - min(stringWidth(city, REGULAR, 10), 52 * mm), y - 6 * mm, city, 10, room=52 * mm)
    draw_arrow(canvas, MIDDLE + 36 * mm, right - 36 * mm, y + 4 * mm)


def draw_arrow(canvas: Canvas, left: float, right: float, y: float) -> None:
    canvas.setStrokeColor(NAVY)
    canvas.setFillColor(NAVY)
    canvas.line(left, y, right - 3 * mm, y)
    tip = canvas.beginPath()
    tip.moveTo(right, y)
    tip.lineTo(right - 4 * mm, y + 1.6 * mm)
    tip.lineTo(right - 4 * mm, y - 1.6 * mm)
    tip.close()
    canvas.drawPath(tip, stroke=0, fill=1)


def draw_facts(canvas: Canvas, face: Face) -> None:
    first = (("Passenger", face.passenger, 0, 62), ("Flight", face.designator, 64, 20), ("Date", face.date, 86, 32))
    second = (
        ("Gate", face.gate, 0, 26), ("Boarding", face.boards, 30, 24), ("Departs", face.departs, 60, 24),
        ("Seat", face.seat, 86, 18), ("No.", face.sequence, 106, 12),
    )  # fmt: skip
    for label, text, offset, room in first:
        draw_fact(canvas, MIDDLE + offset * mm, TOP - 57 * mm, label, text, 12, room * mm)
    for label, text, offset, room in second:
        draw_fact(canvas, MIDDLE + offset * mm, TOP - 73 * mm, label, text, 18, room * mm)


def draw_fact(canvas: Canvas, x: float, y: float, label: str, text: str, size: float, room: float) -> None:
    canvas.setFillColor(QUIET)
    write(canvas, x, y + size * 0.26 * mm + 2 * mm, label, 8)
    canvas.setFillColor(INK)
    write(canvas, x, y, text, size, BOLD, room=room)


def draw_stub(canvas: Canvas, face: Face) -> None:
    x, room = STUB + 5 * mm, 38 * mm
    canvas.setFillColor(INK)
    write(canvas, x, TOP - 32 * mm, f"{face.origin} - {face.destination}", 18, BOLD)
    facts = (
        ("Passenger", face.passenger), ("Date", face.date), ("Departs", face.departs), ("Seat", face.seat),
        ("No.", face.sequence), ("Record locator", face.locator), ("Ticket", face.ticket),
    )  # fmt: skip
    for place, (label, text) in enumerate(facts):
        draw_fact(canvas, x, TOP - (46 + place * 12.4) * mm, label, text, 11, room)


def draw_symbol_or_refusal(canvas: Canvas, face: Face) -> None:
    if not face.refusal:
        draw_symbol(canvas, draw(face.barcode, Symbology.PDF417), MIDDLE, BOTTOM + 5 * mm, SYMBOL_WIDTH)
        return
    canvas.setFillColor(ALARM)
    write(canvas, MIDDLE, BOTTOM + 22 * mm, "Not valid any more", 22, BOLD)
    write(canvas, MIDDLE, BOTTOM + 14 * mm, face.refusal, 12, room=SYMBOL_WIDTH)


def draw_symbol(canvas: Canvas, symbol: Symbol, x: float, y: float, width: float) -> None:
    """Draw a symbol in vectors, black on white."""
    module = width / symbol.width
    canvas.setFillColor(white)
    canvas.rect(x, y, width, symbol.height * module, stroke=0, fill=1)
    canvas.setFillColor(black)
    path = canvas.beginPath()
    for row, modules in enumerate(symbol.rows):
        bottom = y + (symbol.height - row - 1) * module
        for start, length in bars(modules):
            path.rect(x + start * module, bottom, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)


def draw_foot(canvas: Canvas, face: Face) -> None:
    canvas.setFillColor(INK)
    write(canvas, LEFT, BOTTOM - 12 * mm, "Before you fly", 13, BOLD)
    bags = f"{face.bags} checked" if face.bags else "none checked"
    lines = (
        f"Boarding begins at {face.boards} and ends at {face.closes}, when the gate closes. Gate: {face.gate}.",
        f"Record locator {face.locator}, ticket {face.ticket}. Bags: {bags}.",
        BEFORE_YOU_FLY,
    )
    canvas.setFillColor(QUIET)
    for place, line in enumerate(lines):
        write(canvas, LEFT, BOTTOM - (19 + 6 * place) * mm, line, 10, room=RIGHT - LEFT)
