"""One PostgreSQL and one Valkey for a benchmark: a directory that is kept, databases copied from one another."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from skybridge.embedded.engines import Engine, Home, Postgres, Valkey, new_password, start_engines, stop_children
from skybridge.embedded.processes import engine_account
from skybridge.embedded.state import write_privately

# As one would set up a server that shares a small machine; everything that makes a commit durable is on.
DURABLE = {
    "shared_buffers": "1GB",
    "effective_cache_size": "3GB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "autovacuum_naptime": "1min",  # as PostgreSQL has it: the tables' figures are taken after filling
}
# While data is made: what a crash leaves is thrown away.
BUILDING = DURABLE | {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "32GB",
}


class Cluster:
    """The engines of one directory."""

    def __init__(self, directory: Path):
        account = engine_account(directory / "postgres")
        if account and not account.reaches(directory / "postgres"):
            sys.exit(f"The user nobody cannot enter {directory}: give another --data.")
        self.home = Home.within(directory, directory / "logs", account)
        path = directory / "password"
        if not path.exists():
            write_privately(path, new_password())
        self.password = path.read_text()
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    @contextmanager
    def running(self, settings: dict[str, str], *, valkey: bool = False) -> Iterator["Cluster"]:
        """Run PostgreSQL with these settings, with an empty Valkey beside it if wanted."""
        self.postgres = Postgres(self.home, password=self.password, settings=settings)
        engines: list[Engine] = [self.postgres]
        if valkey:
            shutil.rmtree(self.home.data / "valkey", ignore_errors=True)
            self.valkey = Valkey(self.home, password=self.password)
            engines.append(self.valkey)
        try:
            start_engines(engines)
            yield self
        finally:
            stop_children([engine.child for engine in engines], 120)

    def url(self, database: str) -> str:
        assert self.postgres
        return urlsplit(self.postgres.url)._replace(path=f"/{database}").geturl()

    @property
    def pid(self) -> int:
        assert self.postgres
        assert self.postgres.child.process
        return self.postgres.child.process.pid

    @property
    def programs(self) -> Path:
        assert self.postgres
        return self.postgres.programs

    def databases(self) -> set[str]:
        return {name for (name,) in self.query("postgres", "SELECT datname FROM pg_database")}

    def drop(self, *names: str) -> None:
        for name in names:
            self.query("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def copy(self, template: str, *names: str) -> None:
        """Make databases that are the same as the template, on disk when this returns."""
        for name in names:
            self.drop(name)
            self.query("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        os.sync()

    def query(self, database: str, sql: str, parameters: Any = None) -> list[tuple]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
