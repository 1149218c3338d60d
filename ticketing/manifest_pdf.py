"""The manifest on paper: A4, a header on each page, one line a passenger."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from flights.localtime import zone
from flights.models import Cabin
from ticketing.bcbp import Unencodable
from ticketing.bcbp.values import plain_letters
from ticketing.manifests import Manifest, State, Traveller, cabins_of, counts_of

INK, PALE, LINE, QUIET = (colors.HexColor(code) for code in ("#12283f", "#eef2f6", "#c9d3dd", "#5b6b7b"))
MARGIN, HEAD, FOOT = 14 * mm, 34 * mm, 14 * mm
WIDTH = A4[0] - 2 * MARGIN
WORDS = {State.BOOKED: "Booked", State.CHECKED_IN: "Checked in", State.BOARDED: "Boarded", State.NO_SHOW: "No-show",
         State.FLOWN: "Flown"}  # fmt: skip
COLORS = {State.BOARDED: colors.HexColor("#1b6e3c"), State.FLOWN: colors.HexColor("#1b6e3c"),
          State.NO_SHOW: colors.HexColor("#a3271c")}  # fmt: skip
COLUMNS = (
    ("Seq", 11), ("Seat", 11), ("Passenger", 53), ("Type", 12), ("Ticket", 27), ("Booking", 17), ("State", 21),
    ("Bags", 30),
)  # fmt: skip
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=8, leading=9.6, textColor=INK)
SMALL = ParagraphStyle("small", parent=CELL, fontSize=7, leading=8.4, textColor=QUIET)
NUMBER = ParagraphStyle("number", parent=CELL, alignment=TA_RIGHT)
TITLE = ParagraphStyle(
    "title", parent=CELL, fontName="Helvetica-Bold", fontSize=10, leading=13, spaceBefore=9, spaceAfter=4
)


def manifest_pdf(manifest: Manifest) -> bytes:
    """Return the manifest as PDF: counts by cabin and state, then the passengers of each cabin."""
    out = io.BytesIO()
    page = Frame(MARGIN, FOOT, WIDTH, A4[1] - HEAD - FOOT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    title = f"Manifest {manifest.flight.designator} {manifest.flight.departure_date}"
    document = BaseDocTemplate(out, pagesize=A4, title=title, author=settings.AIRLINE_NAME, invariant=1)
    document.addPageTemplates(PageTemplate(frames=[page], onPage=header_of(manifest)))
    document.build(list(story_of(manifest)), canvasmaker=NumberedCanvas)
    return out.getvalue()


class NumberedCanvas(Canvas):
    """A canvas that writes "page n of m" once it knows m."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # reportlab's name
        self.pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self.pages, 1):
            self.__dict__.update(page)
            self.setFont("Helvetica", 7.5)
            self.setFillColor(QUIET)
            self.drawRightString(A4[0] - MARGIN, 8 * mm, f"Page {number} of {len(self.pages)}")
            super().showPage()
        super().save()


def header_of(manifest: Manifest) -> Callable[[Canvas, Any], None]:
    """Return what draws the top and the foot of each page."""
    flight, departure = manifest.flight, manifest.departure
    route = (
        f"{city_of(flight.origin)} ({flight.origin_id})  to  {city_of(flight.destination)} ({flight.destination_id})"
    )
    gate = f"Gate {departure.gate}" if departure.gate else "No gate yet"
    aircraft = shown(" ".join(filter(None, (flight.aircraft_type, flight.registration))))
    closed = f"Closed out {locally(manifest, departure.closed_at)}" if departure.closed_at else "Open"
    leaves = f"Departs {locally(manifest, flight.departs_at)} local time"

    def draw(canvas: Canvas, document: Any) -> None:
        top = A4[1] - 14 * mm
        canvas.saveState()
        canvas.setFillColor(INK)
        canvas.setFont("Helvetica-Bold", 17)
        canvas.drawString(MARGIN, top, f"{flight.designator}   {flight.departure_date:%d %b %Y}")
        canvas.setFont("Helvetica-Bold", 9)
        canvas.drawRightString(A4[0] - MARGIN, top + 4, f"{settings.AIRLINE_NAME}  |  Passenger manifest")
        canvas.setFont("Helvetica", 9)
        canvas.drawString(MARGIN, top - 5.5 * mm, route)
        canvas.drawRightString(A4[0] - MARGIN, top - 5.5 * mm, leaves)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, top - 10.5 * mm, "  |  ".join(filter(None, (gate, aircraft))))
        canvas.drawRightString(A4[0] - MARGIN, top - 10.5 * mm, f"{flight.status.capitalize()}  |  {closed}")
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(1.2)
        canvas.line(MARGIN, top - 14 * mm, A4[0] - MARGIN, top - 14 * mm)
        canvas.setFont("Helvetica", 7.5)
        canvas.drawString(
            MARGIN, 8 * mm, f"Made {manifest.at:%d %b %Y %H:%M:%S} UTC. Personal data: for this flight only."
        )
        canvas.restoreState()

    return draw


def city_of(airport: Any) -> str:
    return shown(airport.city or airport.name)


def locally(manifest: Manifest, moment: datetime) -> str:
    return f"{moment.astimezone(zone(manifest.flight.origin.timezone)):%d %b %H:%M}"


def story_of(manifest: Manifest) -> list[Flowable]:
    story: list[Flowable] = [counts_table(manifest), Spacer(0, 4 * mm)]
    if not manifest.travellers:
        return [*story, Paragraph("Nobody is booked on this flight.", CELL)]
    for cabin in Cabin.values:
        travellers = [traveller for traveller in manifest.travellers if traveller.cabin == cabin]
        if travellers:
            story += [CondPageBreak(30 * mm), cabin_title(cabin, len(travellers)), passengers_table(travellers)]
    return story


def cabin_title(cabin: str, count: int) -> Paragraph:
    people = "1 passenger" if count == 1 else f"{count} passengers"
    return Paragraph(f"{Cabin(cabin).label}, {people}", TITLE)


def counts_table(manifest: Manifest) -> Table:
    names = ("Cabin", *WORDS.values(), "All", "Infants", "Bags", "kg")
    keys = (*(state.value for state in WORDS), "passengers", "infants", "bags", "bags_kg")
    counted = [(Cabin(row["cabin"]).label, row) for row in cabins_of(manifest.travellers)]
    lines = [*counted, ("All cabins", counts_of(manifest.travellers))]
    rows = [[name, *(str(row[key]) for key in keys)] for name, row in lines]
    table = Table([list(names), *rows], colWidths=[20 * mm, *[(WIDTH - 20 * mm) / len(keys)] * len(keys)], repeatRows=1)
    style = [
        *BASE,
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("FONTSIZE", (0, 0), (-1, -1), 8.5),
        ("FONTNAME", (0, -1), (-1, -1), "Helvetica-Bold"),
        ("LINEABOVE", (0, -1), (-1, -1), 0.8, INK),
    ]
    table.setStyle(TableStyle(style))
    return table


BASE: list[tuple] = [
    ("FONTNAME", (0, 0), (-1, -1), "Helvetica"),
    ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
    ("FONTSIZE", (0, 0), (-1, 0), 8),
    ("TEXTCOLOR", (0, 0), (-1, -1), INK),
    ("BACKGROUND", (0, 0), (-1, 0), PALE),
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("TOPPADDING", (0, 0), (-1, -1), 2.2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
]


def passengers_table(travellers: list[Traveller]) -> Table:
    rows: list[list[Any]] = [[name for name, _ in COLUMNS]]
    style = [*BASE, ("ALIGN", (0, 0), (0, -1), "CENTER"), ("FONTSIZE", (0, 1), (-1, -1), 8)]
    for traveller in travellers:
        rows.append(cells_of(traveller))
        if color := COLORS.get(traveller.state):
            style.append(("TEXTCOLOR", (6, len(rows) - 1), (6, len(rows) - 1), color))
    table = Table(rows, colWidths=[width * mm for _, width in COLUMNS], repeatRows=1)
    table.setStyle(TableStyle(style))
    return table


def cells_of(traveller: Traveller) -> list[Any]:
    number = traveller.sequence_number
    return [
        f"{number:03}" if number else "",
        traveller.seat or "",
        Paragraph(escaped(traveller.name), CELL),
        traveller.passenger_type,
        traveller.ticket_number or "",
        traveller.record_locator,
        WORDS[traveller.state],
        Paragraph("<br/>".join(bags_of(traveller)), SMALL),
    ]


def bags_of(traveller: Traveller) -> list[str]:
    return [f"{bag.tag_number}&nbsp;&nbsp;{bag.weight_kg}&nbsp;kg" for bag in traveller.loaded]


def escaped(text: str) -> str:
    """Return a text without what a Paragraph takes for markup, and with what its font can show."""
    return shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shown(text: str) -> str:
    """Return a text in the letters of western Europe, which the fonts that each reader has can show."""
    return "".join(letter if is_shown(letter) else plain(letter) for letter in text)


def is_shown(letter: str) -> bool:
    return letter.isprintable() and bool(letter.encode("cp1252", "ignore"))


def plain(letter: str) -> str:
    """Return a letter as passports write it, such as L for one with a stroke; "?" for what has no Latin form."""
    try:
        found = plain_letters(letter.upper())
    except Unencodable:
        return "?"
    return (found if letter.isupper() else found.lower()) or "?"
