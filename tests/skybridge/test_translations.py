"""Every text of the pages is in every catalogue, and the compiled catalogues are those of the texts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

FOLDER = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
APPS = ("skybridge", "partners", "flights", "ticketing", "bookings", "orders", "templates", "locale")


def catalogue(folder: Path, language: str) -> Catalog:
    with (folder / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(found: Catalog) -> set:
    return {(message.context, message.id) for message in found if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language):
    found = catalogue(FOLDER, language)
    empty = [message.id for message in found if message.id and not all(strings_of(message))]
    unsure = [message.id for message in found if message.id and message.fuzzy]
    assert (empty, unsure) == ([], [])
    assert len(texts(found)) > 100


def strings_of(message) -> tuple:
    return as_tuple(message.string)


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_kept(language):
    for message in catalogue(FOLDER, language):
        assert [str(error) for error in message.check()] == [], message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    written = catalogue(FOLDER, language)
    with (FOLDER / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {key(m): strings_of(m) for m in compiled if m.id} == {key(m): strings_of(m) for m in written if m.id}


def key(message) -> tuple:
    context = message.context  # Babel reads bytes from what is compiled
    return context.decode() if isinstance(context, bytes) else context, *as_tuple(message.id)[:1]


def as_tuple(texts) -> tuple:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def test_no_text_is_missing_from_the_catalogues(tmp_path):
    if not shutil.which("xgettext"):
        assert not os.environ.get("CI"), "CI needs gettext"
        pytest.skip("gettext is not installed; the rest of the tests run")
    for app in APPS:
        shutil.copytree(FOLDER / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    collect = [sys.executable, str(FOLDER / "manage.py"), "makemessages", "--no-obsolete"]
    languages = [f"--locale={language}" for language in LANGUAGES]
    subprocess.run([*collect, *languages], cwd=tmp_path, check=True, capture_output=True)
    for language in LANGUAGES:
        assert texts(catalogue(tmp_path, language)) == texts(catalogue(FOLDER, language)), "run `make messages`"
