"""How PostgreSQL runs the statements that code sends: recorded where they are sent, and explained on the spot."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

READS_OR_WRITES = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|\()", re.IGNORECASE)
PLAIN = "EXPLAIN (FORMAT JSON) "
MEASURED = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "  # it runs the statement: always in a savepoint that is undone
# Below these a limit ends nothing early: they read all before they yield the first row.
READS_ALL = ("Sort", "Aggregate", "Hash", "WindowAgg", "ModifyTable", "CTE Scan")

SELDOM_FALSE = "(deleted_at IS NULL)"


class Scan(NamedTuple):
    """One place where a plan reads a table.

    `is_bounded`: an index condition says where it ends, or a limit above, and no row is read in vain.
    """

    table: str
    index: str  # empty: the whole table
    is_bounded: bool


class Plan(NamedTuple):
    """A statement and how it is run; of a measured one its time in the server and the pages of 8 kB that it touched."""

    sql: str
    parameters: Any
    scans: tuple[Scan, ...]
    ms: float
    pages: int


@contextmanager
def explaining(how: str = PLAIN) -> Iterator[list[Plan]]:
    """Give a list of the plans of all statements that are sent within."""
    plans: list[Plan] = []

    def explain(execute, sql, parameters, many, context):
        if not many and READS_OR_WRITES.match(sql):
            plans.append(plan_of(sql, parameters, how))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def plan_of(sql: str, parameters: Any, how: str = PLAIN) -> Plan:
    assert connection.connection is not None
    with connection.connection.cursor() as cursor:  # not Django's, whose statements are recorded
        if how == MEASURED:
            cursor.execute("SAVEPOINT explained")
        cursor.execute(how + sql, parameters)
        [document] = cursor.fetchone()
        if how == MEASURED:
            cursor.execute("ROLLBACK TO SAVEPOINT explained")
    [explained] = json.loads(document) if isinstance(document, str) else document
    top = explained["Plan"]
    pages = top.get("Shared Hit Blocks", 0) + top.get("Shared Read Blocks", 0)
    return Plan(sql, parameters, tuple(scans_in(top)), explained.get("Execution Time", 0.0), pages)


def plan_for_any_values(plan: Plan) -> Plan:
    """Return how a statement is run once it is prepared and its plan is kept."""
    assert connection.connection is not None
    query = PostgresQuery(Transformer(connection.connection))
    query.convert(plan.sql, plan.parameters)
    types = ", ".join(type_name(number) for number in query.types or ())
    nothing = ", ".join("NULL" for _ in query.types or ())
    with connection.connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE explained {f'({types})' if types else ''} AS ".encode() + query.query, prepare=False)
        cursor.execute(f"{PLAIN} EXECUTE explained {f'({nothing})' if types else ''}", prepare=False)
        [[explained]] = cursor.fetchone()
        cursor.execute("DEALLOCATE explained; SET LOCAL plan_cache_mode = auto")
    return plan._replace(scans=tuple(scans_in(explained["Plan"])))


def type_name(number: int) -> str:
    assert connection.connection is not None
    known = connection.connection.adapters.types.get(number)
    return "unknown" if known is None else f"{known.name}[]" if known.array_oid == number else known.name


def scans_in(node: dict, table: str = "", *, is_cut: bool = False) -> Iterator[Scan]:
    """Yield where a plan reads tables; `is_cut` says that a limit above ends the reading early."""
    kind, table = node["Node Type"], node.get("Relation Name", table)
    ends_early = is_cut and node.get("Filter", SELDOM_FALSE) == SELDOM_FALSE
    if kind == "Seq Scan":
        yield Scan(table, "", ends_early)
    elif index := node.get("Index Name"):
        yield Scan(table, index, ends_early or "Index Cond" in node)
    for child in node.get("Plans", ()):
        place = child["Parent Relationship"]
        is_repeated = place == "SubPlan" or (kind == "Nested Loop" and place == "Inner")
        goes_on = is_cut and kind not in READS_ALL and place != "InitPlan"
        yield from scans_in(child, table, is_cut=kind == "Limit" or (goes_on and not is_repeated))
