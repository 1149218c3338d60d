"""Say how PostgreSQL runs each hot statement, on databases of several sizes side by side, as a table in Markdown.

    python -m benchmarks.plans postgres://…/small postgres://…/large

The databases are those of `benchmarks/data.py`. The statements are the code's own, recorded where it sends them, and
run there by EXPLAIN (ANALYZE, BUFFERS); the calls are those that the benchmark makes, all of it is undone. Given are
the medians of some calls: time in the server, and pages of 8 kB that were touched.
"""

import json
import logging
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any

Found = dict[str, dict[str, dict]]  # by work and statement
TIMES, WARM = 25, 5  # calls of a work; the first ones are not counted
TABLE = r" \"?((?:bookings|flights|orders|partners|skybridge|ticketing)_\w+)"
WRITTEN, READ = re.compile(rf"(INSERT INTO|UPDATE|DELETE FROM){TABLE}"), re.compile(rf"(FROM){TABLE}")
WORKS = ("BOOK", "CONFIRM", "SEARCH", "READ", "ORDER", "LIST", "LIST1000", "LIST-SMALL", "SCAN")


class Queries:
    """Asks the database at hand what `benchmarks/works.py` asks a cluster."""

    def query(self, database: str, sql: str, parameters: Any = None) -> list[tuple]:
        from django.db import connection  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []


def measure() -> Found:
    """Return the statements of each work on the database of DATABASE_URL, which stays as it is."""
    import django  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
    os.environ.setdefault("BOARDING_OPENS_MINUTES", "1440")  # the passes are of flights that leave in some hours
    django.setup()
    logging.disable(logging.CRITICAL)
    from django.db import transaction  # noqa: PLC0415

    from benchmarks import works  # noqa: PLC0415

    queries: Any = Queries()
    with transaction.atomic():
        queries.query("", "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        works.prepare(queries, "", [""])
        made = {work.name: work for work in works.make_works(queries, "", 1)}
        found = {name: statements_of(sending(made[name]), undo=made[name].calls[0].method != "GET") for name in WORKS}
        found |= {name: statements_of([run] * TIMES, undo=True) for name, run in periodic().items()}
        transaction.set_rollback(True)
    return found


def sending(work: Any) -> Iterator[Callable[[], None]]:
    """Yield what makes calls of a work as a server would get them."""
    from django.test import Client  # noqa: PLC0415

    def send(call: Any) -> None:
        headers = {"x-api-key": call.key, "x-forwarded-proto": "https"}
        answer = Client().generic(call.method, call.path, call.content, "application/json", headers=headers)
        assert answer.status_code == work.status, answer.content

    return (partial(send, call) for call in islice(cycle(work.calls), TIMES))


def periodic() -> dict[str, Callable[[], Any]]:
    """Return what the beat does, and what the back office asks for."""
    from django.utils import timezone  # noqa: PLC0415

    from bookings.expiry import sweep  # noqa: PLC0415
    from orders import backups, departures, reservations, workflow  # noqa: PLC0415
    from orders.steps import WORKFLOW  # noqa: PLC0415

    at = timezone.now() - timedelta(days=1)  # nothing to do: what looking costs
    return {
        "expire_holds": lambda: sweep(at=at),
        "sweep_executions": workflow.sweep,
        "store_backups": lambda: backups.drain(at=at),
        "depart_flights": lambda: departures.bookings_to_settle(at),
        "return_unused_payments": lambda: reservations.return_unused_payments(at=at, actor=WORKFLOW),
    }


def statements_of(runs: Iterable[Callable[[], Any]], *, undo: bool) -> dict[str, dict]:
    """Return the statements of a work by what they are called, in order, with the medians of its runs.

    Reading may keep what it has counted: it is undone with all the rest only.
    """
    from django.db import transaction  # noqa: PLC0415

    from benchmarks.explaining import MEASURED, explaining  # noqa: PLC0415

    measured = []
    for run in runs:
        with transaction.atomic():
            with explaining(MEASURED) as plans:
                run()
            transaction.set_rollback(undo)
        measured.append(plans)
    by_label: dict[str, list] = {}
    for plans in measured[WARM:]:
        for label, plan in labelled(plans):
            by_label.setdefault(label, []).append(plan)
    return {
        label: {
            "ms": statistics.median(plan.ms for plan in same),
            "pages": statistics.median(plan.pages for plan in same),
            "indexes": sorted({scan.index or f"all of {scan.table}" for plan in same for scan in plan.scans}),
        }
        for label, same in by_label.items()
    }


def labelled(plans: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield statements with what each is called, the second of a name with its number; keys are kept for seconds."""
    seen: Counter[str] = Counter()
    for plan in plans:
        label = label_of(plan.sql)
        seen[label] += 1
        if "partners_apikey" not in label:
            yield f"{label} ({seen[label]})" if seen[label] > 1 else label, plan


def label_of(sql: str) -> str:
    """Return what a statement does first to which table; what it writes says more than what it reads."""
    found = WRITTEN.search(sql) or READ.search(sql)
    verbs = {"FROM": "read", "INSERT INTO": "insert into", "UPDATE": "update", "DELETE FROM": "delete from"}
    return f"{verbs[found[1]]} `{found[2]}`" if found else "other"


def table(sides: list[Found]) -> str:
    """Return the table; its rows are the statements that touch a page."""
    columns = " ms | pages |" * len(sides)
    lines = [f"| | statement |{columns} indexes |", f"|---|---|{'---|---|' * len(sides)}---|"]
    for name, statements in sides[-1].items():
        for label, statement in statements.items():
            figures = "".join(figures_of(side.get(name, {}).get(label)) for side in sides)
            indexes = ", ".join(f"`{index}`" for index in statement["indexes"])
            if statement["pages"]:
                lines.append(f"| {name} | {label} |{figures} {indexes} |")
    return "\n".join(lines)


def figures_of(statement: dict | None) -> str:
    return f" {statement['ms']:.2f} | {statement['pages']:.0f} |" if statement else " | |"


def main(urls: list[str]) -> None:
    sides = []
    for url in urls:
        command, variables = [sys.executable, "-m", "benchmarks.plans"], os.environ | {"DATABASE_URL": url}
        done = subprocess.run(command, env=variables, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        sides.append(json.loads(done.stdout))
    print(table(sides))


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1:])
    else:
        json.dump(measure(), sys.stdout)
