"""What is always true of the whole database: sentences, each with one set-based query that finds the exceptions.

`manage.py verify_invariants` asks them all: an app adds its own by a module `invariants` with a list `INVARIANTS`.
"""

from typing import NamedTuple

from django.db import connection

SHOWN = 10


class Invariant(NamedTuple):
    """A sentence that holds over the whole database, and a query for the ids of whatever breaks it."""

    name: str
    sentence: str
    offenders: str


class Finding(NamedTuple):
    """How many rows break an invariant, and the first of their ids."""

    violations: int
    ids: list[str]


def examine(invariant: Invariant) -> Finding:
    """Return what breaks an invariant. One statement; no violations where it holds."""
    sql = f"""
    WITH offender AS ({invariant.offenders})
    SELECT count(*), ARRAY(SELECT DISTINCT id::text FROM offender ORDER BY 1 LIMIT {SHOWN}) FROM offender
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return Finding(*cursor.fetchone())


INVARIANTS: list[Invariant] = []
