"""Record the SQL that SkyBridge itself sends for calls, so that pgbench can replay it: run by `benchmarks/floor.py`.

Each call is made through Django in a transaction that is rolled back; its statements are kept as the server gets them,
with their parameters as text. Where calls of a work differ in their statements, the most frequent kind is kept.
Standard input: {work: [[method, path, key, body], ...]}. Standard output: {work: what `Recording` has}.
"""

import json
import logging
import os
import re
import sys
import time
from collections import Counter
from contextlib import nullcontext
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from psycopg._queries import PostgresQuery  # noqa: E402
from psycopg.adapt import Transformer  # noqa: E402

placeholders = re.compile(r"%%|%(\(\w+\))?s")
numbered = re.compile(r"\$(\d+)")
quoted = re.compile(r"'(?:[^']|'')*'")
savepoint = re.compile(r"(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) ")
INTEGERS = (21, 23, 20)  # int2, int4, int8: the type follows the value


class Statement(NamedTuple):
    """A statement as the server gets it; a type of 0 is left to the server, a value of None is NULL."""

    text: str
    types: tuple[int, ...]
    values: tuple[str | None, ...]

    @property
    def kind(self) -> tuple:
        return self.text, tuple(20 if t in INTEGERS else t for t in self.types), tuple(v is None for v in self.values)


class Recorder:
    """Keeps what one call sends; the outermost savepoint stands for the transaction that the call would begin."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.depth = 0

    def __call__(self, execute, sql, parameters, many, context):
        if found := savepoint.match(sql):
            self.statements.append(Statement(self.transaction_word(found[1]), (), ()))
        else:
            self.statements.append(bound(sql, parameters))
        return execute(sql, parameters, many, context)

    def transaction_word(self, word: str) -> str:
        if word == "SAVEPOINT":
            self.depth += 1
            return "BEGIN" if self.depth == 1 else f"SAVEPOINT s{self.depth}"
        self.depth -= word == "RELEASE SAVEPOINT"
        if word == "RELEASE SAVEPOINT":
            return "COMMIT" if self.depth == 0 else f"RELEASE SAVEPOINT s{self.depth + 1}"
        return "ROLLBACK" if self.depth == 1 else f"ROLLBACK TO SAVEPOINT s{self.depth}"


def bound(sql: str, parameters: Any) -> Statement:
    """Return a statement with its parameters as psycopg binds them, in text."""
    query = PostgresQuery(Transformer(connection.connection))
    textual = placeholders.sub(lambda found: found[0] if found[0] == "%%" else found[0][:-1] + "t", sql)
    query.convert(textual if parameters else sql, parameters or None)
    values = tuple(None if value is None else bytes(value).decode() for value in query.params or ())
    return Statement(query.query.decode(), tuple(query.types or ()), values)


def record(client: Client, method: str, path: str, key: str, body: Any) -> tuple[int, list[Statement]]:
    """Make a call, undo what it writes, and return its status and statements. What reading keeps for later stays."""
    recorder = Recorder()
    content = "" if body is None else json.dumps(body)
    headers = {"x-api-key": key, "x-forwarded-proto": "https", "host": "bench.example"}
    with nullcontext() if method == "GET" else transaction.atomic():
        with connection.execute_wrapper(recorder):
            response = client.generic(method, path, content, "application/json", headers=headers)
        if method != "GET":
            transaction.set_rollback(True)
    return response.status_code, recorder.statements


def record_all(calls: list[list]) -> dict[str, Any]:
    """Record calls; keep in a table the values of those whose statements are of the most frequent kind."""
    client, since = Client(raise_request_exception=True), int(1000 * time.time())
    done = [record(client, *call) for call in calls]
    kinds = Counter((status, tuple(s.kind for s in statements)) for status, statements in done)
    (status, kind), count = kinds.most_common(1)[0]
    kept = [statements for found, statements in done if (found, tuple(s.kind for s in statements)) == (status, kind)]
    rows = [[value for statement in statements for value in statement.values] for statements in kept]
    all_types = ([t for statement in statements for t in statement.types] for statements in kept)
    types = [widest(column) for column in zip(*all_types, strict=True)]
    columns = list(zip(*rows, strict=True))
    constant = {n: column[0] for n, column in enumerate(columns) if len(set(column)) == 1}
    return {
        "since": since,
        "status": status,
        "calls": count,
        "kinds": len(kinds),
        "statements": texts(kept[0], types, constant),
        "constants": {f"p{n}": value for n, value in constant.items() if value is not None},
        "columns": [f"p{n}" for n in range(len(columns)) if n not in constant],
        "rows": [[row[n] for n in range(len(row)) if n not in constant] for row in rows],
    }


def widest(types: tuple[int, ...]) -> int:
    return max(types, key=lambda t: INTEGERS.index(t) if t in INTEGERS else -1)


def texts(statements: list[Statement], types: list[int], constant: dict[int, str | None]) -> list[str]:
    """Return statements for pgbench, with variables in place of parameters."""
    found, first = [], 0
    for statement in statements:
        here = first

        def variable(match: re.Match, here: int = here) -> str:
            place = here + int(match[1]) - 1
            name = f":p{place}"
            if place in constant and constant[place] is None:
                name = "NULL"
            return f"{name}::{type_name(types[place])}" if types[place] else name

        found.append(numbered.sub(variable, quoted.sub(without_colons, statement.text)))
        first += len(statement.values)
    return found


def type_name(number: int) -> str:
    """Return a type's name in SQL."""
    assert connection.connection
    types = connection.connection.adapters.types
    known = types[number]
    return f"{known.name}[]" if known.array_oid == number else known.name


def without_colons(literal: re.Match) -> str:
    """Return a string constant in which pgbench finds no variable."""
    text = literal[0]
    if not re.search(r":\w", text):
        return text
    return "E" + text.replace("\\", "\\\\").replace(":", "\\x3a")


def main() -> None:
    logging.disable(logging.CRITICAL)
    connection.ensure_connection()
    json.dump({name: record_all(calls) for name, calls in json.load(sys.stdin).items()}, sys.stdout)


if __name__ == "__main__":
    main()
