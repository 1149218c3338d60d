"""The servers that are measured: SkyBridge as in production, and the yardstick, each on a database of its own."""

import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import cpu
from benchmarks.cluster import Cluster
from benchmarks.works import HOST
from skybridge.embedded.engines import free_port, stop_children
from skybridge.embedded.keys import private_pem
from skybridge.embedded.processes import Child
from skybridge.embedded.state import PROJECT
from skybridge.embedded.supervisor import web_command

READY_SECONDS = 60
ALL_DAY = str(24 * 60)  # minutes before departure in which passengers board: longer than a measurement takes
YARDSTICK_PYTHON = PROJECT / ".venv-bench" / "bin" / "python"


def production(directory: Path) -> dict[str, str]:
    """Return the settings of a production server, the same ones for one directory."""
    path = directory / "boarding_pass_key.pem"
    if not path.exists():
        path.write_text(private_pem(ec.generate_private_key(ec.SECP256R1())))
    return {
        "SKYBRIDGE_ENV": "production",
        "SKYBRIDGE_HOME": str(directory),
        "SECRET_KEY": secrets.token_urlsafe(60),
        "ALLOWED_HOSTS": HOST,
        "BOARDING_PASS_KEYS": path.read_text(),
        "TRAVEL_DOCUMENT_KEYS": "c2t5YnJpZGdlLWJlbmNobWFyay1rZXktMzItYnl0ZXM=",
        "STORAGE_DIRECTORY": str(directory / "objects"),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BOARDING_OPENS_MINUTES": ALL_DAY,
    }


def collect_static(variables: dict[str, str]) -> None:
    """Put the pages' files where a production server wants them."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    environment = os.environ | variables | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


@dataclass
class Side:
    """A server that runs, and what it has taken so far."""

    name: str
    database: str
    port: int
    pid: int
    most_memory: int = 0
    statements: dict[str, int] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def note_memory(self) -> None:
        self.most_memory = max(self.most_memory, cpu.memory_of({self.pid}))


@contextmanager
def running(
    name: str, command: list[str], port: int, log: Path, variables: dict[str, str], cwd: Path
) -> Iterator[Side]:
    """Run a server until the block ends; it answers when the block begins."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")} | variables
    child = Child(name, command, log, environment=environment, directory=cwd)
    try:
        child.start()
        child.await_ready(lambda: answers(port), READY_SECONDS)
        assert child.process
        yield Side(name, name, port, child.process.pid)
    finally:
        stop_children([child], 15)


def skybridge(cluster: Cluster, directory: Path, variables: dict[str, str], database: str = "skybridge"):
    """Run the web server as in production, with two workers, beside the cluster's Valkey; its access log is on."""
    assert cluster.valkey
    port = free_port()
    urls = {"DATABASE_URL": cluster.url(database), "REDIS_URL": cluster.valkey.url}
    command = [sys.executable, *web_command("127.0.0.1", port)]
    return running(database, command, port, directory / "logs" / f"{database}.log", variables | urls, PROJECT)


def yardstick(cluster: Cluster, directory: Path, *, counts: bool = False):
    """Run the yardstick with two workers; `counts` makes it tell how many statements an answer took, with one."""
    port = free_port()
    variables = {"DATABASE_URL": cluster.url("yardstick"), "BENCH_COUNT": "1" if counts else ""}
    variables["BOARDING_OPENS_MINUTES"] = ALL_DAY
    command = [str(YARDSTICK_PYTHON), "-m", "uvicorn", "yardstick.app:app", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1" if counts else "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    log = directory / "logs" / "yardstick.log"
    return running("yardstick", command, port, log, variables, PROJECT / "benchmarks")


def answers(port: int) -> bool:
    """Tell whether somebody answers there, whatever it is."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/livez", headers={"Host": HOST})
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def install_yardstick() -> None:
    """Make the yardstick's virtual environment unless it is there with what is locked."""
    locked, mark = PROJECT / "benchmarks" / "requirements.txt", YARDSTICK_PYTHON.parent.parent / ".installed"
    if mark.exists() and mark.read_text() == locked.read_text():
        return
    print("Installing the yardstick's requirements in .venv-bench", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(YARDSTICK_PYTHON.parent.parent)], check=True)
    pip = [str(YARDSTICK_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "-r", str(locked)], check=True)
    mark.write_text(locked.read_text())
