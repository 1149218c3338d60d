"""Run a command beside a private PostgreSQL and Valkey: `python -m skybridge.embedded.testing -- pytest`.

Both live in a new temporary directory on free ports, do without fsync, and are deleted when the command ends.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from skybridge.embedded.engines import (
    UNSAFE_BUT_FAST,
    Engine,
    Home,
    Postgres,
    Valkey,
    new_password,
    start_engines,
    stop_children,
)
from skybridge.embedded.processes import Failure, before_exec, engine_account

STOP_SECONDS = 20


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print("Usage: python -m skybridge.embedded.testing -- COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    # A stop request ends the waiting below as an exception, so that the directory is deleted on every way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = Path(tempfile.mkdtemp(prefix="skybridge-test-"))
    try:
        return run_beside_engines(command, directory)
    except Failure as failure:
        print(f"skybridge: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run_beside_engines(command: list[str], directory: Path) -> int:
    directory.chmod(0o755)  # the engines' own account must be able to enter when we are root
    data = directory / "engines"
    home = Home.within(data, directory / "logs", engine_account(data / "postgres"))
    postgres = Postgres(home, password=new_password(), settings=UNSAFE_BUT_FAST)
    valkey = Valkey(home, password=new_password())
    engines: list[Engine] = [valkey, postgres]
    try:
        start_engines(engines)
        return run(command, environment(directory, postgres.url, valkey.url))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C would leave files behind
            signal.signal(number, signal.SIG_IGN)
        stop_children([engine.child for engine in engines], STOP_SECONDS)


def environment(directory: Path, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SKYBRIDGE_HOME": str(directory),
        "SKYBRIDGE_ENV": "test",
        "S3_BUCKET": "",
        "S3_ENDPOINT_URL": "",
        "STORAGE_DIRECTORY": "",
    }


def run(command: list[str], variables: dict[str, str]) -> int:
    """Run the command to its end. Ctrl-C reaches it directly; a stop request is passed on."""
    try:
        process = subprocess.Popen(command, env=variables, preexec_fn=before_exec(signal.SIGTERM))
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from None
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    # Ctrl-C reaches the command too, which decides how to end. An exception here could arrive between the end of the
    # command and its exit code, and lose that.
    signal.signal(signal.SIGINT, lambda *_: None)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
