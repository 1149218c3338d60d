"""How statements of our own reach the database."""

from uuid import uuid4

import pytest
from psycopg import _queries

from skybridge.sql import read_rows


@pytest.mark.django_db
def test_the_driver_remembers_a_long_statement():
    statement = f"SELECT %(number)s::int /* {uuid4()} {'x' * 20_000} */"
    read_rows(statement, {"number": 1})
    hits = _queries._query2pg.cache_info().hits
    assert read_rows(statement, {"number": 2}) == [(2,)]
    assert _queries._query2pg.cache_info().hits == hits + 1
