"""Schedule files: plain or gzip, CSV or SSIM, told apart by their content, and read line by line in bounded memory."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from flights.schedules import COLUMNS, Record, UnreadableFile, Zones, read_csv
from flights.ssim import read_ssim

READERS = {"csv": read_csv, "ssim": read_ssim}
GZIP_MAGIC = b"\x1f\x8b"
SSIM_TITLE = "1AIRLINE STANDARD SCHEDULE DATA SET"
LONGEST_LINE = 4096


def read_schedule(
    path: Path,
    zones: Zones,
    *,
    file_format: str = "",
    progress: Callable[[int, int], None] = lambda done, size: None,
    most_bytes: int = 0,
) -> Iterator[Record]:
    """Yield a schedule file's flights, refusals and warnings. `progress` is told bytes read and the file's size.

    `file_format` is `csv`, `ssim` or "" (told by the content). `most_bytes` limits what a file may unpack to (0: no
    limit). Raises UnreadableFile, also after the first records.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            is_gzip = file.read(2) == GZIP_MAGIC
            file.seek(0)
            stream: IO[bytes] = gzip.GzipFile(fileobj=file) if is_gzip else file  # type: ignore[assignment]
            limited: IO[bytes] = Limited(stream, most_bytes) if most_bytes else stream  # type: ignore[assignment]
            lines = numbered_lines(limited, lambda: progress(file.tell(), size))
            first = next(lines, None)
            if first is None:
                raise UnreadableFile("it is empty")
            reader = READERS[file_format or format_of(first[1])]
            yield from reader(chain_first(first, lines), zones)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(str(error)) from error


class Limited:
    """A stream that is not read beyond so many bytes: a small file may unpack to a large one."""

    def __init__(self, stream: IO[bytes], most: int):
        self.stream, self.most, self.left = stream, most, most

    def readline(self, longest: int) -> bytes:
        line = self.stream.readline(longest)
        self.left -= len(line)
        if self.left < 0:
            raise UnreadableFile(f"it unpacks to more than {self.most // 1_000_000} MB")
        return line


def chain_first(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def format_of(first_line: str) -> str:
    """Return the format that a file's first line shows. Raises UnreadableFile."""
    if not set(COLUMNS).isdisjoint(name.strip() for name in first_line.lstrip("\ufeff").split(",")):
        return "csv"
    if first_line.startswith(SSIM_TITLE) or (first_line[:1] in ("0", "1", "2", "3") and len(first_line) == 200):
        return "ssim"
    header = ", ".join(COLUMNS)
    raise UnreadableFile(f"it is neither our CSV (a header with {header}) nor SSIM chapter 7 (lines of 200)")


def numbered_lines(stream: IO[bytes], tell_progress: Callable[[], None]) -> Iterator[tuple[int, str]]:
    """Yield line numbers and lines without their ends; what is not UTF-8 becomes U+FFFD, which no field accepts.

    A line longer than LONGEST_LINE is cut there, which its reader refuses.
    """
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if number % 1000 == 0:
            tell_progress()
        whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
        while not whole and (rest := stream.readline(LONGEST_LINE)):
            whole = rest.endswith(b"\n")
        yield number, line.decode("utf-8", "replace").rstrip("\r\n")
    tell_progress()
