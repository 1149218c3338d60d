"""A client that costs next to nothing, so that what is measured is the server: requests are bytes made beforehand."""

import json
import re
import socket
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

length_of = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search


class Server:
    """Where the server is, and with which key it is asked."""

    def __init__(self, url: str, key: str):
        self.url, self.key = url.rstrip("/"), key
        parts = urlsplit(self.url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80

    def request(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        """Return a request as it goes over the wire."""
        data = b"" if body is None else json.dumps(body).encode()
        named: Mapping[str, str] = {"Host": f"{self.host}:{self.port}", "x-api-key": self.key} | headers
        if body is not None:
            named = {**named, "Content-Type": "application/json", "Content-Length": str(len(data))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + data

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of an answer, not measured."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)


class Connection:
    """One connection that is kept alive."""

    def __init__(self, server: Server):
        self.socket = socket.create_connection((server.host, server.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> int:
        """Send a request, read the whole answer and return its status."""
        self.socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self.receive()
        if length := length_of(received[:end]):
            missing = int(length[1]) - (len(received) - end - 4)
            while missing > 0:
                missing -= len(self.receive())
        else:  # in chunks, of which the last one is empty
            while not received.endswith(b"0\r\n\r\n"):
                received += self.receive()
        return int(received[9:12])

    def receive(self) -> bytes:
        if chunk := self.socket.recv(65_536):
            return chunk
        raise ConnectionError("the server closed the connection")
