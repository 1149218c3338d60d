"""A dictionary that cannot grow without end: what a process remembers about its callers."""

import threading
from collections.abc import Hashable
from typing import Any


class BoundedCache(dict):
    """A dictionary of at most `limit` entries; the one put first makes room. Reading takes no lock."""

    def __init__(self, limit: int):
        super().__init__()
        self.limit = limit
        self.lock = threading.Lock()

    def put(self, name: Hashable, value: Any) -> None:
        with self.lock:
            self.pop(name, None)
            while len(self) >= self.limit:
                del self[next(iter(self))]
            self[name] = value

    def drop(self, name: Hashable) -> None:
        with self.lock:
            self.pop(name, None)
