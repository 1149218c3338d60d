"""The object store as tests see it: a directory of its own for each test, and what stands in its way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from orders import backups
from orders.objects import name_of
from skybridge.storage import StorageUnavailable, store


class Watched:
    """The store, counting what is put; `down` makes every call fail, `after` is called after each put."""

    def __init__(self):
        self.real, self.down = store(), False
        self.puts: list[str] = []
        self.after: Callable[[], None] = lambda: None

    def put(self, key: str, body: bytes, *, sha256: str):
        self.check()
        self.puts.append(key)
        stored = self.real.put(key, body, sha256=sha256)
        self.after()
        return stored

    def get(self, key: str, *, sha256: str | None):
        self.check()
        return self.real.get(key, sha256=sha256)

    def list(self, *args, **kwargs):
        self.check()
        return self.real.list(*args, **kwargs)

    def check(self) -> None:
        if self.down:
            raise StorageUnavailable("it is down")


def keys(prefix: str = "") -> list[str]:
    return list(store().list(prefix))


def contents(prefix: str = "") -> list[dict]:
    return [json.loads(store().get(key, sha256=None)) for key in keys(prefix)]


def versions(order: dict) -> list[int]:
    """Return the versions of an order that are stored."""
    found = [name_of(key) for key in keys(f"orders/{order['order_id']}/")]
    return [name.version for name in found if name]


def verify(capsys, *arguments: str) -> tuple[int, list[str]]:
    """Run backup_verify in this process; return its exit code and the lines of its findings."""
    code = 0
    try:
        call_command("backup_verify", *arguments)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return code, capsys.readouterr().out.splitlines()[:-1]


def database_url(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def manage(database: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a command of the project in a process of its own, on another database."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=os.environ | {"DATABASE_URL": database_url(database), "LOG_LEVEL": "ERROR"} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
    )


def present_database() -> str:
    return connection.settings_dict["NAME"]


def tamper(path: Path) -> None:
    """Change one letter of an object behind the store's back."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"USD"', b'"EUR"', 1))


def drain() -> int:
    return backups.drain(at=timezone.now())
