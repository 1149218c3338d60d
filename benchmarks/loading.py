"""Filling tables quickly by SQL alone: their indexes are made afterwards, two statements run at a time."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from django.db import connection

AT_ONCE = 2
SETTINGS = """
SET session_replication_role = replica; SET statement_timeout = 0; SET synchronous_commit = off;
SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 2
"""
# Of a partitioned table its own indexes, which are made anew in all partitions.
INDEXES = """
SELECT i.indexrelid::regclass::text, c.conname, i.indrelid::regclass::text,
    COALESCE(pg_get_constraintdef(c.oid), replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '))
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisprimary
"""


@contextmanager
def without_indexes(tables: Sequence[str]) -> Iterator[None]:
    """Take away the indexes of tables, but not their primary keys, and make them again in the end."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for index, constraint, table, _ in indexes:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}" if constraint else f"DROP INDEX {index}")
    yield
    # A constraint's name locks its table: those of one table go one after the other.
    constraints = [
        f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}"
        for _, constraint, table, definition in indexes
        if constraint
    ]
    run({"indexes": [definition for _, constraint, _, definition in indexes if not constraint]})
    run({"unique constraints": constraints}, at_once=1)


class Loader:
    """Runs statements by name in some threads, and knows how long each name took."""

    def __init__(self, statements: Mapping[str, Sequence[str]], parameters: dict | None):
        self.parameters = parameters
        self.queue: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self.spent: dict[str, float] = dict.fromkeys(statements, 0.0)
        self.rows: dict[str, int] = dict.fromkeys(statements, 0)
        self.failures: list[BaseException] = []
        for name, texts in statements.items():
            for text in texts:
                self.queue.put((name, text))

    def work(self) -> None:
        """Run what is left, until something fails."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(SETTINGS)
                while not self.failures:
                    self.execute(cursor, *self.queue.get_nowait())
        except Empty:
            pass
        except BaseException as failure:
            self.failures.append(failure)
        finally:
            connection.close()

    def execute(self, cursor, name: str, text: str) -> None:
        begun = time.monotonic()
        cursor.execute(text, self.parameters)
        self.spent[name] += time.monotonic() - begun
        self.rows[name] += max(cursor.rowcount, 0)


def run(statements: Mapping[str, Sequence[str]], parameters: dict | None = None, *, at_once: int = AT_ONCE) -> None:
    """Run statements by name, as many at once as there are processors to spare, and print how long each name took."""
    loader = Loader(statements, parameters)
    threads = [threading.Thread(target=loader.work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if loader.failures:
        raise loader.failures[0]
    for name, seconds in loader.spent.items():
        print(f"  {name:26}{loader.rows[name]:>12,} rows {seconds:6.1f} s", flush=True)
