"""A child process that ends with its parent, and the account under which it runs."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
PRCTL = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None  # looked up before any fork
LARGEST_LOG = 10_000_000
PROBE_SECONDS = 0.02


class Failure(Exception):
    """What a person must know to go on, in one line."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account of the engines when we are root: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @property
    def popen_options(self) -> dict:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Tell whether this account can enter every directory above `path`."""
        return all(self._enters(directory) for directory in path.resolve().parents)

    def _enters(self, directory: Path) -> bool:
        facts = directory.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        return bool(facts.st_mode & (0o010 if facts.st_gid == self.gid else 0o001))


def engine_account(data: Path) -> Account | None:
    """Return the account that runs the engines, None for our own: as root the owner of the data, at first nobody."""
    if os.getuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Failure("PostgreSQL does not run as root and there is no user nobody: set DATABASE_URL.") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def end_with_parent(signal_number: int) -> None:
    """Let the kernel send this process the signal when its parent dies (Linux; elsewhere nothing happens)."""
    if PRCTL is not None:
        PRCTL(PR_SET_PDEATHSIG, signal_number)


def before_exec(orphan_signal: int) -> Callable[[], None]:
    """Return what a child calls between fork and exec."""
    parent = os.getpid()

    def prepare_child() -> None:
        end_with_parent(orphan_signal)
        if os.getppid() != parent:  # the parent died before the call above
            os._exit(1)

    return prepare_child


@dataclass
class Child:
    """One supervised process in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    directory: Path | None = None
    inherited: tuple[int, ...] = ()  # the state directory's lock: held until the last child is gone
    process: subprocess.Popen | None = field(default=None, repr=False)

    def start(self) -> None:
        with self._open_log() as log:
            self.process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.directory,
                start_new_session=True,
                pass_fds=self.inherited,
                preexec_fn=before_exec(self.orphan_signal),
                **(self.account.popen_options if self.account else {}),
            )

    def _open_log(self):
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        return self.log.open("ab")

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def await_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Return when `is_ready`; raise Failure when the process ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.running:
                raise Failure(f"{self.name} stopped while starting: {self.last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} was not ready within {seconds:.0f} s (log: {self.log})")
            time.sleep(PROBE_SECONDS)

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"

    def run(self) -> bool:
        """Run to the end; tell whether it went well."""
        self.start()
        return self.process is not None and self.process.wait() == 0

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def await_end(self, seconds: float) -> None:
        """Wait for the end, then take along whatever the process left behind in its session."""
        if self.process is None:
            return
        try:
            self.process.wait(max(seconds, 0.01))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        kill_session(self.process.pid)


def kill_session(leader: int) -> None:
    """Kill what a dead child has left of its session, such as the workers of a web server."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
