"""Look at addresses before anything starts: a port to serve on, and databases that somebody else runs."""

import errno
import os
import socket
from urllib.parse import SplitResult, unquote, urlsplit

from skybridge.embedded.engines import ping
from skybridge.embedded.processes import Failure

DATABASE_SCHEMES = {"postgres", "postgresql", "psql", "pgsql"}
REDIS_SCHEMES = {"redis", "rediss", "unix"}
CONNECT_SECONDS = 5


def chosen_port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise Failure(f"PORT is {text!r}, not a number from 1 to 65535.")
    return int(text)


def chosen_host() -> str:
    return os.environ.get("HOST") or "127.0.0.1"


def given_urls() -> dict[str, str]:
    """Return the URLs of databases that somebody else runs, each of them answering."""
    refusals = {"DATABASE_URL": refuse_broken_database, "REDIS_URL": refuse_broken_redis}
    given = {name: os.environ[name] for name in refusals if os.environ.get(name)}
    for name, url in given.items():
        refusals[name](url)
    return given


def refuse_taken(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Failure(f"Port {port} is taken. Choose another: PORT={port + 1} make run") from None
        raise Failure(f"Cannot serve on {host} port {port}: {error.strerror}") from None


def refuse_broken_database(url: str) -> None:
    """Check what can be checked without a driver; a wrong password shows when the database is prepared."""
    parts = split("DATABASE_URL", url, DATABASE_SCHEMES, "postgres://user:password@host:5432/name")
    if not parts.path.strip("/"):
        raise Failure("DATABASE_URL names no database: postgres://user:password@host:5432/name")
    host = unquote(parts.hostname or "")
    if host and not host.startswith("/"):
        connect("DATABASE_URL", host, parts.port or 5432).close()


def refuse_broken_redis(url: str) -> None:
    parts = split("REDIS_URL", url, REDIS_SCHEMES, "redis://:password@host:6379/0")
    if parts.scheme == "unix":
        return
    address = (parts.hostname or "localhost", parts.port or 6379)
    connect("REDIS_URL", *address).close()
    login = {"password": unquote(parts.password or ""), "username": unquote(parts.username or "")}
    if parts.scheme == "redis" and not ping(address, **login, seconds=CONNECT_SECONDS):
        raise Failure(f"REDIS_URL: the server at {address[0]} port {address[1]} does not let us in.")


def split(variable: str, url: str, schemes: set[str], example: str) -> SplitResult:
    """Take the URL apart. No message repeats it: it holds a password."""
    try:
        parts = urlsplit(url)
        broken = parts.scheme not in schemes or parts.port == 0
    except ValueError:
        broken = True
    if broken:
        raise Failure(f"{variable} cannot be read; it looks like {example}")
    return parts


def connect(variable: str, host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(f"{variable}: nothing answers at {host} port {port} ({reason}).") from None
