"""Uploaded files that wait for their confirmation: kept under their SHA-256 in a directory, for an hour."""

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from flights.exceptions import UploadGone

is_digest = re.compile(r"[0-9a-f]{64}").fullmatch


def keep(chunks: Iterable[bytes], *, at: datetime) -> str:
    """Keep a file, readable by its owner alone, and return its digest. Deletes what has waited too long."""
    folder: Path = settings.UPLOAD_DIRECTORY
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(at=at)
    unnamed = folder / f"{secrets.token_hex(16)}.part"
    digest = sha256()
    try:
        with os.fdopen(os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
        unnamed.rename(folder / digest.hexdigest())
    finally:
        unnamed.unlink(missing_ok=True)
    return digest.hexdigest()


def path_of(digest: str) -> Path:
    """Return where a kept file lies. Raises UploadGone."""
    path = settings.UPLOAD_DIRECTORY / digest
    if not is_digest(digest) or not path.is_file():
        raise UploadGone
    return path


def discard(digest: str) -> None:
    path_of(digest).unlink(missing_ok=True)


def sweep(*, at: datetime) -> None:
    """Delete the files that have waited too long."""
    oldest = (at - settings.UPLOAD_LIFETIME).timestamp()
    for path in settings.UPLOAD_DIRECTORY.glob("*"):
        with suppress(FileNotFoundError):  # another process has deleted it
            if path.stat().st_mtime < oldest:
                path.unlink()
