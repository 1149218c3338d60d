"""Lists as files: every row of a list as it is filtered and searched, streamed as CSV or XLSX in constant memory.

A text that a spreadsheet would take for a formula is written as text. Who may export has `skybridge.export` and may see
the list; each export is recorded when it begins and when it ends.
"""

import csv
import re
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from operator import attrgetter
from typing import Any
from uuid import uuid4

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, PermissionDenied
from django.db import transaction
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from skybridge import context
from skybridge.events import Actor, Happening, record
from skybridge.spreadsheets import PIECE, Cell, begins_formula, workbook_pieces

CHUNK = 2_000  # rows that are in memory at a time
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

# A file that is fetched slowly keeps a thread of the web server; the others are for everybody else.
running = threading.BoundedSemaphore(1)

Read = Callable[[Any], Any]
find_tags = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Column:
    """A column of a file: its heading, and how a row's cell is read."""

    heading: str
    read: Read


# --- Columns: those of the list, as values ---


def columns_of(model_admin: admin.ModelAdmin, names: list) -> list[Column]:
    """Return the columns of a list. A column may say itself what is exported for it (`exported`, see `lists.py`).

    Amounts are numbers; their currency is one more column.
    """
    shown = [name for name in names if name != "action_checkbox"]
    columns = [
        Column(str(label_for_field(name, model_admin.model, model_admin)), reader_of(model_admin, name))
        for name in shown
    ]
    if any(getattr(name, "is_amount", False) for name in shown):
        columns.append(Column("currency", attrgetter("currency")))
    return columns


def reader_of(model_admin: admin.ModelAdmin, name: Any) -> Read:
    if exported := getattr(name, "exported", None):
        return exported
    if isinstance(name, str):
        try:
            return field_reader(model_admin.model._meta.get_field(name))
        except FieldDoesNotExist:
            pass
    return lambda row: lookup_field(name, row, model_admin)[2]


def field_reader(field: Any) -> Read:
    """Return how a field is read: related rows and choices as their words."""
    if field.is_relation:
        return lambda row: str(related) if (related := getattr(row, field.name)) is not None else None
    if field.choices:
        return attrgetter(f"get_{field.name}_display")
    return attrgetter(field.attname)


def cell_of(column: Column, row: Any) -> Cell:
    """Return a cell's value: text, number, date or time in UTC; nothing where the list shows a dash."""
    try:
        value = column.read(row)
    except ObjectDoesNotExist:
        return None
    if callable(value):
        value = value()
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value
    if value is None or isinstance(value, int | Decimal | float | date):
        return value
    text = unescape(find_tags.sub("", value)) if isinstance(value, SafeString) else str(value)
    return None if text in ("", "–") else text


def rows_of(queryset: Any, columns: list[Column]) -> Generator[list[Cell]]:
    """Yield a list's rows as they are read. Its transaction spares the database to write them all down beforehand."""
    with transaction.atomic():
        for row in queryset.iterator(chunk_size=CHUNK):
            yield [cell_of(column, row) for column in columns]


# --- CSV ---


class Echo:
    """What a writer writes to, to have its lines back."""

    def write(self, line: str) -> str:
        return line


def csv_pieces(headings: list[str], rows: Iterator[list[Cell]]) -> Iterator[bytes]:
    """Yield a CSV (RFC 4180, UTF-8 with the mark by which spreadsheets know it) in pieces."""
    writer = csv.writer(Echo())
    yield ("\ufeff" + writer.writerow(headings)).encode()
    lines: list[str] = []
    size = 0
    for row in rows:
        line = writer.writerow([csv_cell(value) for value in row])
        lines.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(lines).encode()
            lines, size = [], 0
    yield "".join(lines).encode()


def csv_cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return f"'{value}" if begins_formula(value) else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    return value


WRITERS = {"csv": csv_pieces, "xlsx": workbook_pieces}


# --- The page ---


class ExportMixin(admin.ModelAdmin):
    """A list that can be had as a file, under `export.csv` and `export.xlsx` beside it."""

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        own = [path(f"export.{kind}", view, {"kind": kind}, name=f"{name}_{kind}") for kind in KINDS]
        return own + super().get_urls()

    def has_export_permission(self, request) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("skybridge.export")

    def changelist_view(self, request, extra_context=None):
        exports = self.export_links(request) if self.has_export_permission(request) else []
        return super().changelist_view(request, {"exports": exports, **(extra_context or {})})

    def export_links(self, request) -> list[tuple[str, str]]:
        query = request.GET.copy()
        query.pop("p", None)
        asked = f"?{query.urlencode()}" if query else ""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_export"
        return [(reverse(f"{name}_{kind}") + asked, kind.upper()) for kind in KINDS]

    @method_decorator(require_safe)
    def export_view(self, request, kind: str) -> HttpResponseBase:
        """Answer with all rows of the list as it is filtered; one file at a time in each process."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        to_list = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect(to_list)
        if not running.acquire(blocking=False):
            self.message_user(request, _("Another list is being exported. Try again in a minute."), messages.WARNING)
            return redirect(to_list)
        try:
            return self.file_of(request, shown, kind)
        except BaseException:
            running.release()
            raise

    def file_of(self, request, shown, kind: str) -> StreamingHttpResponse:
        columns = columns_of(self, list(shown.list_display))
        export = Export(request, self.opts.label, kind)
        rows = export.counted(rows_of(shown.queryset, columns))
        pieces = WRITERS[kind]([column.heading for column in columns], rows)
        response = StreamingHttpResponse(export.recorded(pieces, rows), content_type=KINDS[kind])
        response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
        # Also when nobody has read a line, or nobody closes it since another answer took its place.
        release = weakref.finalize(response, running.release)  # once
        response._resource_closers.append(release)  # type: ignore[attr-defined]
        return response


class Export:
    """One export: its name, how many rows it has so far, and its events."""

    def __init__(self, request, label: str, kind: str):
        at = timezone.now()
        self.id, self.rows, self.actor = uuid4(), 0, Actor("staff", str(request.user.pk), "admin")
        self.request_id = getattr(request, "id", "")
        self.file_name = f"{label.replace('.', '-').lower()}-{at:%Y%m%d-%H%M%S}.{kind}"
        self.facts = {"list": label, "file": self.file_name, "filters": dict(request.GET.items())}
        record([Happening("export.begun", self.id, after=self.facts)], actor=self.actor, at=at)

    def counted(self, rows: Generator[list[Cell]]) -> Generator[list[Cell]]:
        with closing(rows):
            for row in rows:
                self.rows += 1
                yield row

    def recorded(self, pieces: Iterator[bytes], rows: Generator[list[Cell]]) -> Iterator[bytes]:
        """Pass the file on, end its query, and record how it ended: whole, or broken off by either side."""
        is_whole = False
        try:
            with closing(rows):
                yield from pieces
            is_whole = True
        finally:
            word = "ended" if is_whole else "broken_off"
            with request_named(self.request_id):
                happening = Happening(f"export.{word}", self.id, after={**self.facts, "rows": self.rows})
                record([happening], actor=self.actor)


@contextmanager
def request_named(request_id: str) -> Iterator[None]:
    """Name the request in events that are recorded after its middleware has ended."""
    token = context.request_id.set(request_id)
    try:
        yield
    finally:
        context.request_id.reset(token)
