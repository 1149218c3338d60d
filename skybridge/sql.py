"""Rows of the hot reads, which are SQL of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection
from psycopg import _queries
from psycopg.types.json import set_json_loads

# Up to this length the driver remembers where a statement's parameters are. Its 4,096 characters are less than the hot
# statements have, and to take one apart costs 0.2 to 0.4 ms at each call.
_queries.MAX_CACHED_STATEMENT_LENGTH = 65_536

set_json_loads(orjson.loads)


def read_rows(sql: str, parameters: Mapping[str, Any] | Sequence[Any]) -> list[tuple]:
    """Return a statement's rows.

    They come in PostgreSQL's binary format, whose times and amounts cost a fraction of text's to read. JSON comes
    parsed; who needs its text asks for `::text`.
    """
    cursor = connection.reader()  # type: ignore[attr-defined]
    cursor.execute(sql, parameters)
    return cursor.fetchall()
