"""The state directory: one run at a time, what must be kept between runs, and where to find the running services."""

import contextlib
import fcntl
import json
import os
import secrets
import time
from pathlib import Path

from skybridge.embedded.processes import Account, Failure

PROJECT = Path(__file__).resolve().parent.parent.parent
DEMO_ISSUER = "https://identity.skybridge.example/demo"
DEMO_AUDIENCE = "skybridge-demo"
LAST_RUN_SECONDS = 15


def home_directory() -> Path:
    return Path(os.environ.get("SKYBRIDGE_HOME") or PROJECT / "var").resolve()


def load_environment() -> None:
    """Let a management command find what `up` started. Variables that are set already win; production has no `up`."""
    if os.environ.get("SKYBRIDGE_ENV") == "production":
        return
    with contextlib.suppress(OSError):
        for name, value in read_environment(home_directory() / "environment").items():
            os.environ.setdefault(name, value)


def read_environment(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, separator, value in pairs if separator}


def write_privately(path: Path, text: str) -> None:
    """Replace the file as a whole, readable for its owner alone."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if os.getuid() == 0:  # in somebody's directory it stays theirs
        owner = path.parent.stat()
        os.chown(unfinished, owner.st_uid, owner.st_gid)
    unfinished.replace(path)


class State:
    """One state directory, locked by this process and its children until the last of them is gone."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.logs = directory / "logs"
        self._make_directories()
        self.lock = lock(directory)
        self.kept = self._read_kept()

    def _make_directories(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(f"Cannot write to the state directory {self.directory}: {error.strerror}") from None

    def _read_kept(self) -> dict:
        try:
            return json.loads((self.directory / "state.json").read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Failure(f"Cannot read {self.directory / 'state.json'}: {error}") from None

    def keep(self, **facts) -> None:
        self.kept.update(facts)
        write_privately(self.directory / "state.json", json.dumps(self.kept, indent=2) + "\n")

    def secret(self, name: str) -> str:
        """Return the secret of this name, made when it is asked for the first time."""
        if name not in self.kept:
            self.keep(**{name: secrets.token_urlsafe(48)})
        return self.kept[name]

    def engines_directory(self, account: Account | None) -> Path:
        """Return where the engines keep their data: here, or elsewhere when their account cannot enter here."""
        if account is None or account.reaches(self.directory / "postgres"):
            return self.directory
        if "engines_directory" not in self.kept:
            self.keep(engines_directory=f"/var/lib/skybridge-{secrets.token_hex(6)}")
        return Path(self.kept["engines_directory"])

    def write_environment(self, variables: dict[str, str]) -> None:
        lines = "".join(f"{name}={value}\n" for name, value in variables.items())
        write_privately(self.directory / "environment", lines)

    def environment(self, *, database_url: str, redis_url: str, port: int) -> dict[str, str]:
        """Return the variables that the children and later commands share. What the caller set stays."""
        defaults = {
            "SKYBRIDGE_HOME": str(self.directory),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PORT": str(port),
            "BOARDING_OPENS_MINUTES": str(24 * 60),  # who checks in with the demo boards at once
        }
        given = {name: value for name, value in os.environ.items() if value}
        if "SECRET_KEY" not in given:
            defaults["SECRET_KEY"] = self.secret("secret_key")
        if "JWT_JWKS_URL" not in given:
            defaults |= self._demo_identity_provider()
        return defaults | {name: given[name] for name in OWN_CHOICES if name in given}

    def _demo_identity_provider(self) -> dict[str, str]:
        return {
            "JWT_ISSUER": DEMO_ISSUER,
            "JWT_AUDIENCE": DEMO_AUDIENCE,
            "JWT_JWKS_URL": (self.directory / "jwks.json").as_uri(),
        }


OWN_CHOICES = (
    "SKYBRIDGE_ENV", "SECRET_KEY", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL", "HOLD_MINUTES",
    "BOARDING_OPENS_MINUTES",
)  # fmt: skip


def lock(directory: Path) -> int:
    """Return a descriptor that holds the directory. After a killed supervisor, wait until its children are gone too."""
    path = directory / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Failure(f"Cannot write to the state directory {directory}: {error.strerror}") from None
    deadline = time.monotonic() + LAST_RUN_SECONDS
    while not take(descriptor):
        holder = int(path.read_text().strip() or 0)
        if is_running(holder):
            raise Failure(f"SkyBridge runs in {directory} already (process {holder}): stop it, or set SKYBRIDGE_HOME.")
        if time.monotonic() > deadline:
            raise Failure(f"Processes of the last run still use {directory}: end them, or set SKYBRIDGE_HOME.")
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_running(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
