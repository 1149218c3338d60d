"""A server of the benchmark's own, as in production, beside a private PostgreSQL and Valkey with many flights."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import django
from django.db import connection

from benchmarks.fill import add_agency, add_products, fill
from skybridge.embedded.engines import (
    Engine,
    Home,
    Postgres,
    Valkey,
    free_port,
    new_password,
    start_engines,
    stop_children,
)
from skybridge.embedded.processes import Child, engine_account
from skybridge.embedded.state import PROJECT, read_environment
from skybridge.embedded.supervisor import web_command


@dataclass(frozen=True)
class Running:
    """A server that answers, a key that it knows, and the ports of its parts on this machine."""

    url: str
    key: str
    ports: dict[str, int]


def running_in(home: Path, url: str = "", key: str = "") -> Running:
    """Return the server whose state directory this is; a URL and a key that are given are taken instead."""
    demo, variables = {}, {}
    with suppress(OSError):
        demo = json.loads((home / "demo.json").read_text())
        variables = read_environment(home / "environment")
    url, key = url or demo.get("url", ""), key or next((a["api_key"] for a in demo.get("agencies", [])), "")
    if not url or not key:
        sys.exit("No running server: start it with `make run`, or give --url and --key, or --flights.")
    urls = {"web": url, "postgresql": variables.get("DATABASE_URL", ""), "valkey": variables.get("REDIS_URL", "")}
    return Running(url, key, {name: urlsplit(url).port or 0 for name, url in urls.items()})


@contextmanager
def own_server(flights: int) -> Iterator[Path]:
    """Start everything, give its state directory, and delete it all in the end."""
    directory = Path(tempfile.mkdtemp(prefix="skybridge-bench-"))
    directory.chmod(0o755)  # the engines' own account must be able to enter when we are root
    children: list[Child] = []
    try:
        home = Home.within(directory / "engines", directory / "logs", engine_account(directory / "postgres"))
        engines: list[Engine] = [Valkey(home, password=new_password()), Postgres(home, password=new_password())]
        children += [engine.child for engine in engines]
        start_engines(engines)
        valkey, postgres = engines
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "SKYBRIDGE_HOME": str(directory)}
        os.environ |= variables | {"DJANGO_SETTINGS_MODULE": "skybridge.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=PROJECT, check=True)
        django.setup()
        fill(flights)
        add_products()
        key = add_agency("Benchmark")
        connection.close()
        port = free_port()
        web = Child("web", [sys.executable, *web_command("127.0.0.1", port)], directory / "web.log", directory=PROJECT)
        children.insert(0, web)
        web.start()
        web.await_ready(lambda: answers(f"http://127.0.0.1:{port}/livez"), 30)
        demo = {"url": f"http://127.0.0.1:{port}", "agencies": [{"name": "Benchmark", "api_key": key}]}
        (directory / "demo.json").write_text(json.dumps(demo))
        (directory / "environment").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        yield directory
    finally:
        for child in children:
            stop_children([child], 10)
        shutil.rmtree(directory, ignore_errors=True)


def answers(url: str) -> bool:
    with suppress(OSError), urlopen(url, timeout=2) as response:
        return response.status == 200
    return False
