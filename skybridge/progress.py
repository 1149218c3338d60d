"""A progress bar for long commands, on a terminal only."""

import sys
import time
from typing import TextIO

WIDTH = 30
INTERVAL = 0.1


class ProgressBar:
    """Draw `done` of `size` on one line of a terminal; elsewhere draw nothing."""

    def __init__(self, label: str, stream: TextIO | None = None):
        self.label, self.stream = label, stream or sys.stderr
        self.is_shown = self.stream.isatty()
        self.drawn_at = 0.0

    def __call__(self, done: int, size: int) -> None:
        now = time.monotonic()
        if not self.is_shown or (now - self.drawn_at < INTERVAL and done < size):
            return
        self.drawn_at = now
        share = min(done / size, 1) if size else 1
        bar = ("#" * round(share * WIDTH)).ljust(WIDTH, "-")
        self.stream.write(f"\r{self.label} [{bar}] {share:4.0%}")
        self.stream.flush()

    def close(self) -> None:
        """Wipe the line."""
        if self.is_shown and self.drawn_at:
            self.stream.write("\r\033[K")
            self.stream.flush()
