"""Ask the web server whether it answers: `python -m skybridge.embedded.livez` has exit code 0 or 1."""

import os
import socket
import sys

from skybridge.embedded.addresses import chosen_host, chosen_port

ANSWER_SECONDS = 2


def answers_livez(host: str, port: int) -> bool:
    """Tell whether /livez is answered with 200."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    request = f"GET /livez HTTP/1.0\r\nHost: {allowed_host()}\r\n\r\n"
    try:
        with socket.create_connection((reachable, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(request.encode())
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def allowed_host() -> str:
    """Return a host name that the web server takes for its own."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return "localhost" if first in ("", "*") else first


if __name__ == "__main__":
    sys.exit(0 if answers_livez(chosen_host(), chosen_port()) else 1)
