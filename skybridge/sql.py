"""Rows of the hot reads, which are SQL of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg.pq import Format


def read_rows(sql: str, parameters: Mapping[str, Any] | Sequence[Any]) -> list[tuple]:
    """Return a statement's rows.

    They come in PostgreSQL's binary format, whose times and amounts cost a fraction of text's to read. JSON comes
    parsed; who needs its text asks for `::text`.
    """
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, parameters)
        return cursor.fetchall()
