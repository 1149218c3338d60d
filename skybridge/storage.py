"""The object store: objects are written once, and whoever reads one knows that it is what was written.

Two stores keep one contract: S3 (`skybridge.s3`, the only module that knows boto3) and a directory. `store()` loads the
module of S3 by its name when the store is first used, so that nobody else waits for boto3.
"""

import functools
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
LONGEST_KEY = 1000
NOTHING_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
INCOMING = ".incoming"  # no segment of a key begins with a dot
MOST_SETTLED = 10_000


class Stored(NamedTuple):
    """What the store has under a key. `sha256` is hexadecimal, `version_id` empty where the store has no versions."""

    key: str
    sha256: str
    size: int
    version_id: str


class StorageError(Exception):
    """The store did not do what it was asked to. Pages and calls never touch the store, so this is no refusal."""

    def __init__(self, message: str, key: str = ""):
        self.key = key
        super().__init__(message, key)

    def __str__(self) -> str:
        return f"{self.key}: {self.args[0]}" if self.key else self.args[0]


class StorageUnavailable(StorageError):
    """The store cannot be reached, does not let us in, or has no room: try again later."""


class NotStored(StorageError):
    """There is nothing under this key."""


class AlreadyStored(StorageError):
    """There is something else under this key, and it stays."""


class Tampered(StorageError):
    """What is under this key is not what was stored."""


class Store(Protocol):
    """Every method raises StorageUnavailable, and ValueError for what is no key."""

    def put(self, key: str, body: bytes, *, sha256: str) -> Stored:
        """Store an object for good. The same content again is success; raises AlreadyStored for any other."""

    def get(self, key: str, *, sha256: str | None) -> bytes:
        """Return an object whose SHA-256 is the given one, or else the one that the store kept beside it.

        Raises NotStored, Tampered.
        """

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield the keys that begin with a prefix and come after a key, in the order of their bytes."""

    def versions(self, key: str) -> Sequence[Stored]:
        """Return what was ever stored under a key, newest first, with the digests that the store kept.

        Raises NotStored.
        """

    def check(self) -> None:
        """Ask the store whether it works."""


@functools.cache
def store() -> Store:
    """Return this process's store, S3 where settings name a bucket."""
    return import_string("skybridge.s3.S3Store")() if settings.S3_BUCKET else DirectoryStore(settings.STORAGE_DIRECTORY)


# --- What both stores ask of keys and content ---


def is_key(key: str) -> bool:
    return len(key) <= LONGEST_KEY and all(map(SEGMENT.fullmatch, key.split("/")))


def require_key(key: str) -> None:
    """Raise ValueError unless all stores can have this key: names of ASCII letters, digits and ._:- in folders."""
    if not is_key(key):
        raise ValueError(f"This is not a key: {key!r}")


def require_digest(body: bytes, sha256: str) -> None:
    """Raise ValueError for a digest that is not of this content."""
    if digest(body) != sha256:
        raise ValueError("The SHA-256 is not the one of the content.")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def require_untouched(key: str, body: bytes, sha256: str) -> None:
    if digest(body) != sha256:
        raise Tampered(f"the content's SHA-256 is not {sha256 or 'known'}", key)


def require_same(key: str, body: bytes, sha256: str) -> None:
    if digest(body) != sha256:
        raise AlreadyStored("something else is stored here", key)


# --- A directory ---


class DirectoryStore:
    """A file per object, in folders as its key says. The first line is the SHA-256 of the rest.

    A file gets its name when it is complete and on the disk, by a link, which fails where the name is taken; whoever
    is killed before leaves a nameless file in `.incoming`. No key can be the folder of another one: ValueError.

    `settled` are folders that this process knows to be on the disk, with all above them: whoever finds one already
    there cannot know whether its maker died before that.
    """

    def __init__(self, root: Path):
        self.root = root
        self.settled: set[Path] = set()

    def put(self, key: str, body: bytes, *, sha256: str) -> Stored:
        require_key(key)
        require_digest(body, sha256)
        path = self.root / key
        with disk(key), self.settling(path):
            is_new = self.link(path, f"{sha256}\n".encode() + body)
            sync(path.parent)  # also after somebody else's link, who may have died before
        if not is_new:
            require_same(key, self.read(key)[1], sha256)
        return Stored(key, sha256, len(body), "")

    def get(self, key: str, *, sha256: str | None) -> bytes:
        kept, body = self.read(key)
        require_untouched(key, body, kept if sha256 is None else sha256)
        return body

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield keys in order; in memory are the names in one folder and in those above it."""
        folder, slash, _ = prefix.rpartition("/")
        if not slash or is_key(folder):
            yield from self.keys_in(folder + slash, prefix, after)

    def versions(self, key: str) -> Sequence[Stored]:
        kept, body = self.read(key)
        return [Stored(key, kept, len(body), "")]

    def check(self) -> None:
        with disk(), self.incoming():
            pass

    # --- Writing ---

    @contextmanager
    def settling(self, path: Path) -> Iterator[None]:
        """Have the folders above a path, and after the block on the disk. Raises ValueError where a file is one."""
        unsettled = [folder for folder in self.folders(path) if folder not in self.settled]
        self.make(unsettled)
        try:
            yield
        except FileNotFoundError:
            self.settled.clear()  # somebody has removed one; the next attempt makes them anew
            raise
        for folder in unsettled:
            sync(folder.parent)
        if len(self.settled) > MOST_SETTLED:
            self.settled.clear()
        self.settled.update(unsettled)

    def make(self, folders: Sequence[Path]) -> None:
        """Make folders, given from the innermost to the outermost."""
        if self.root in folders:
            self.root.parent.mkdir(parents=True, exist_ok=True)
        for folder in reversed(folders):
            if folder.is_file() and folder != self.root:
                raise self.clash(folder)
            folder.mkdir(mode=0o700, exist_ok=True)

    def clash(self, path: Path) -> ValueError:
        return ValueError(f"One of two keys is the folder of the other: {path.relative_to(self.root)}")

    def link(self, path: Path, content: bytes) -> bool:
        """Give content a name, and tell whether that was free. Raises ValueError where it is a folder's."""
        with self.incoming() as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)
            except FileExistsError:
                if path.is_dir():
                    raise self.clash(path) from None
                return False
        return True

    @contextmanager
    def incoming(self) -> Iterator[IO[bytes]]:
        """Open a file, readable by its owner alone, that is gone afterwards unless it was given a name."""
        folder = self.root / INCOMING
        if folder not in self.settled:
            self.make(self.folders(folder / "file"))
        with open(folder / token_hex(8), "xb", opener=privately) as file:
            try:
                yield file
            finally:
                os.unlink(file.name)

    def folders(self, path: Path) -> Sequence[Path]:
        """Return the folders above a path, the innermost first, the root last."""
        found = [path.parent]
        while found[-1] != self.root:
            found.append(found[-1].parent)
        return found

    # --- Reading ---

    def read(self, key: str) -> tuple[str, bytes]:
        """Return the kept SHA-256 and the content."""
        require_key(key)
        with disk(key):
            try:
                kept, _, body = (self.root / key).read_bytes().partition(b"\n")
            except NOTHING_THERE as exc:
                raise NotStored("not stored", key) from exc
        return kept.decode(errors="replace"), body

    def keys_in(self, folder: str, prefix: str, after: str) -> Iterator[str]:
        """Yield the keys in a folder, which ends with a slash, or in all of them where it is empty."""
        for name in self.names_in(folder):
            key = folder + name
            if key.endswith("/"):
                if key.startswith(prefix) and (key > after or after.startswith(key)):
                    yield from self.keys_in(key, prefix, after)
            elif key.startswith(prefix) and key > after:
                yield key

    def names_in(self, folder: str) -> Sequence[str]:
        """Return names in the order of the keys that they are part of, folders with their slash."""
        with disk():
            try:
                with os.scandir(self.root / folder) as entries:
                    found = [entry.name + "/" * entry.is_dir() for entry in entries if SEGMENT.fullmatch(entry.name)]
            except NOTHING_THERE:
                return []
        return sorted(found)


@contextmanager
def disk(key: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageUnavailable(f"{exc.strerror or exc}", key) from exc


def privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
