"""Workbooks (XLSX) that are sent while their rows are read: nothing is kept but the piece that comes next.

A workbook is a zip of XML files. Each sheet is written as its rows come, with its texts inside it; the list of sheets
is written last, when it is known. Source: ECMA-376 part 1 (SpreadsheetML) and part 2 (packages).
"""

import re
from collections.abc import Generator, Iterator
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | int | Decimal | float | bool | date | datetime | None

PIECE = 64 * 1024  # bytes of a file that are sent at a time
SHEET_ROWS = 1_000_000  # a sheet holds 1,048,576
SHEET_BYTES = 2_000_000_000  # before packing; with more a zip is of another kind, which some programs cannot read
BATCH = 100  # rows that are packed together
PACKING = 1  # of 9: a third larger than the best, in a quarter of its time
LONGEST_TEXT = 32_767  # characters in a spreadsheet's cell
EXACT_DIGITS = 15  # a spreadsheet's number holds no more
DAY_ZERO = date(1899, 12, 30)
FIRST_DAY = date(1900, 3, 1)  # the days before are counted by a leap day that never was
# Source: OWASP, CSV Injection; its list with the full-width signs, also after blanks.
begins_formula = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]").match
# What XML cannot hold, and what would be read as an escape.
find_unwritable = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)").sub

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The kind of every part but three is a sheet's, so that their number need not be known before they are written.
TYPES = (
    f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="{KIND}.worksheet+xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>'
)
ROOT = (
    f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
# The looks of cells, by number: plain, heading, day, moment, and a text that looks like a formula and stays a text.
HEADING, DAY, MOMENT, QUOTED = 1, 2, 3, 4
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
SHEET_END = "</sheetData></worksheet>"


def workbook_pieces(headings: list[str], rows: Iterator[list[Cell]]) -> Iterator[bytes]:
    """Yield a workbook in pieces, the first of them before a row is read; a full sheet is followed by another."""
    sink = Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=PACKING) as book:
        for name, text in (("[Content_Types].xml", TYPES), ("_rels/.rels", ROOT), ("xl/styles.xml", STYLES)):
            book.writestr(name, text)
        yield sink.take()
        sheets, row = 0, next(rows, None)
        while row is not None or not sheets:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                row = yield from sheet_pieces(sheet, sink, headings, row, rows)
        book.writestr("xl/workbook.xml", workbook_text(sheets))
        book.writestr("xl/_rels/workbook.xml.rels", relations_text(sheets))
    yield sink.take()


class Sink:
    """What a zip is written to: it cannot be sought in, and gives away what it has been given."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self.parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None

    def take(self) -> bytes:
        piece = b"".join(self.parts)
        self.parts, self.size = [], 0
        return piece


def sheet_pieces(
    sheet: IO[bytes], sink: Sink, headings: list[str], row: list[Cell] | None, rows: Iterator[list[Cell]]
) -> Generator[bytes, None, list[Cell] | None]:
    """Write a sheet and yield what is packed of it; return the first row that has no room, None after the last."""
    columns = [letters_of(n) for n in range(len(headings))]
    size, number = sheet.write(sheet_start(columns, headings).encode()), 1
    texts: list[str] = []
    while row is not None and number <= SHEET_ROWS and size < SHEET_BYTES:
        number += 1
        texts.append(row_text(number, columns, row))
        if len(texts) == BATCH:
            size += sheet.write("".join(texts).encode())
            texts.clear()
            if sink.size >= PIECE:
                yield sink.take()
        row = next(rows, None)
    sheet.write(("".join(texts) + SHEET_END).encode())
    return row


def letters_of(number: int) -> str:
    """Return the name of a column, counted from 0: A to Z, AA and so on."""
    before, last = divmod(number, 26)
    return (letters_of(before - 1) if before else "") + chr(ord("A") + last)


def sheet_start(columns: list[str], headings: list[str]) -> str:
    """Return what stands before a sheet's rows, and their headings, which stay in sight."""
    cells = "".join(text_cell(f"{column}1", text, HEADING) for column, text in zip(columns, headings, strict=True))
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<cols><col min="1" max="{len(headings)}" width="18" customWidth="1"/></cols>'
        f'<sheetData><row r="1">{cells}</row>'
    )


def row_text(number: int, columns: list[str], row: list[Cell]) -> str:
    cells = [cell_text(f"{column}{number}", value) for column, value in zip(columns, row, strict=True)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def cell_text(place: str, value: Cell) -> str:
    """Return a cell with its kind: a text is never a formula, and what a spreadsheet cannot hold is a text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return text_cell(place, value, QUOTED if begins_formula(value) else 0)
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, date):
        return date_cell(place, value)
    return f'<c r="{place}"><v>{value}</v></c>' if is_exact(value) else text_cell(place, str(value))


def text_cell(place: str, text: str, style: int = 0) -> str:
    looks = f' s="{style}"' if style else ""
    written = escape(find_unwritable(code_of, text[:LONGEST_TEXT]))
    return f'<c r="{place}"{looks} t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c>'


def code_of(match: re.Match) -> str:
    return f"_x{ord(match[0]):04X}_"


def date_cell(place: str, value: date) -> str:
    """Return a day or a moment (UTC) as spreadsheets count them: in days."""
    day = value.date() if isinstance(value, datetime) else value
    if day < FIRST_DAY:
        return text_cell(place, value.isoformat())
    if not isinstance(value, datetime):
        return f'<c r="{place}" s="{DAY}"><v>{(day - DAY_ZERO).days}</v></c>'
    seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return f'<c r="{place}" s="{MOMENT}"><v>{(day - DAY_ZERO).days + seconds / 86400}</v></c>'


def is_exact(value: int | Decimal | float) -> bool:
    """Tell whether a spreadsheet holds a number as it is."""
    if isinstance(value, int):
        return -(10**EXACT_DIGITS) < value < 10**EXACT_DIGITS
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= EXACT_DIGITS
    return isfinite(value)


def workbook_text(sheets: int) -> str:
    listed = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, sheets + 1))
    return f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{listed}</sheets></workbook>'


def relations_text(sheets: int) -> str:
    """Say where the workbook's sheets and looks are."""
    linked = "".join(
        f'<Relationship Id="rId{n}" Type="{LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    looks = f'<Relationship Id="rId{sheets + 1}" Type="{LINKS}/styles" Target="styles.xml"/>'
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{linked}{looks}</Relationships>'
