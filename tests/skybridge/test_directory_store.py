"""The store in a directory alone: its files, a full disk, and writers that are killed."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from skybridge import storage
from skybridge.storage import DirectoryStore, NotStored, StorageUnavailable
from tests.skybridge.stores import BODY, KEY, digest, directory, put

__all__ = ["directory"]  # fixtures


def test_files_are_their_owners_alone(directory):
    put(directory.store)
    modes = {path.stat().st_mode & 0o777 for path in [directory.root, *directory.root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert (directory.root / KEY).stat().st_mode & 0o777 == 0o600


def test_file_is_a_line_with_the_digest_and_the_content(directory):
    put(directory.store)
    assert (directory.root / KEY).read_bytes() == digest(BODY).encode() + b"\n" + BODY


def test_nothing_is_left_in_incoming(directory):
    put(directory.store)
    put(directory.store)
    assert list((directory.root / ".incoming").iterdir()) == []


def test_key_below_or_above_another(directory):
    put(directory.store, "a/b")
    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(ValueError):
            put(directory.store, key)
        with pytest.raises(NotStored):
            directory.store.get(key, sha256=None)
    assert list(directory.store.list()) == ["a/b"]


def test_folder_that_somebody_removes_is_made_anew(directory):
    put(directory.store, "orders/1/1")
    shutil.rmtree(directory.root)
    with pytest.raises(StorageUnavailable):
        put(directory.store, "orders/1/2")
    put(directory.store, "orders/1/2")
    assert list(directory.store.list()) == ["orders/1/2"]


def test_names_are_on_the_disk_before_an_object_counts(directory, monkeypatch):
    """A folder found there, whose maker may have died, is no exception; one that this process has settled is."""
    synced = []
    monkeypatch.setattr(storage, "sync", lambda folder: synced.append(folder))
    root = directory.root
    put(directory.store, "orders/1/1")
    assert synced == [root / "orders" / "1", root / "orders", root, root.parent]
    synced.clear()
    put(directory.store, "orders/1/2")
    assert synced == [root / "orders" / "1"]
    synced.clear()
    put(DirectoryStore(root), "orders/1/3")
    assert synced == [root / "orders" / "1", root / "orders", root, root.parent]


def test_full_disk(directory, monkeypatch):
    def fail(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageUnavailable, match="No space left"):
        put(directory.store)
    monkeypatch.undo()
    assert list(directory.store.list()) == []


WRITER = """
import itertools, sys
from hashlib import sha256
from pathlib import Path
from skybridge.storage import DirectoryStore

store = DirectoryStore(Path(sys.argv[1]))
for number in itertools.count():
    body = bytes([number % 256]) * 300_000
    store.put(f"orders/{number:06}", body, sha256=sha256(body).hexdigest())
    print(number, flush=True)
"""


def test_killed_writer_leaves_whole_objects(directory):
    for _ in range(3):
        acknowledged = written_until_killed(directory.root)
        keys = list(directory.store.list())
        assert keys[: len(acknowledged)] == [f"orders/{number:06}" for number in acknowledged]
        for key in keys:
            assert len(directory.store.get(key, sha256=None)) == 300_000


def written_until_killed(root) -> list[int]:
    """Let a process store objects, kill it amid that, and return the numbers of those that it knew to be stored."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True) as writer:
        first = writer.stdout.readline()
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        return [int(line) for line in [first, *writer.stdout] if line.endswith("\n")]
