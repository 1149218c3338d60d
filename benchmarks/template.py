"""The template database that each side gets a copy of: made once, kept until what makes it changes or a day is over."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cluster import BUILDING, Cluster
from skybridge.embedded.state import PROJECT

NAME = "template"
BYTES_AT_FULL_SIZE = 6_000_000_000
MAKERS = ("agencies", "boarding", "data", "fill", "loading", "sales")


def fingerprint(scale: float) -> str:
    """Return what says that the data is still what would be made today: its flights begin yesterday."""
    digest = hashlib.sha256(f"{scale} {datetime.now(UTC).date()}".encode())
    makers = [PROJECT / "benchmarks" / f"{name}.py" for name in MAKERS]
    for path in sorted([*PROJECT.glob("*/migrations/*.py"), *makers]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_databases(directory: Path, scale: float, sides: tuple[str, ...], variables: dict[str, str]) -> None:
    """Make the template if it is not there or out of date, and of it a new database for each side."""
    known = directory / "made_of"
    is_current = known.exists() and known.read_text() == fingerprint(scale)
    refuse_full_disk(directory, scale * BYTES_AT_FULL_SIZE * (len(sides) + (not is_current)))
    if not is_current:
        known.unlink(missing_ok=True)
        shutil.rmtree(directory / "postgres", ignore_errors=True)
    begun = time.monotonic()
    with Cluster(directory).running(BUILDING) as cluster:
        if not is_current:
            print("Making the data", flush=True)
            fill(cluster, scale, variables)
            known.write_text(fingerprint(scale))
            print(f"  made in {time.monotonic() - begun:.0f} s", flush=True)
        cluster.copy(NAME, *sides)
        [[size]] = cluster.query(NAME, "SELECT pg_size_pretty(pg_database_size(current_database()))")
        print(f"{len(sides)} databases of {size} each ready after {time.monotonic() - begun:.0f} s", flush=True)


def fill(cluster: Cluster, scale: float, variables: dict[str, str]) -> None:
    cluster.query("postgres", f"CREATE DATABASE {NAME}")
    environment = os.environ | variables | {"DATABASE_URL": cluster.url(NAME)}
    command = [sys.executable, "-m", "benchmarks.data", str(scale)]
    if subprocess.run(command, cwd=PROJECT, env=environment).returncode:
        sys.exit("The data could not be made.")


def refuse_full_disk(directory: Path, needed: float) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        sys.exit(f"{directory} needs {needed / 1e9:.0f} GB and has {free / 1e9:.0f}: see --data and --scale.")
