"""A browser, a web server as in production on the tests' database, and an airline that all these tests share."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connections

from skybridge.embedded.keys import boarding_pass_pem
from tests.browser.chromium import Rooms, Window, find_browser, running_browser
from tests.browser.world import World, build
from tests.concurrency.conftest import running_server
from tests.emptying import empty_the_database

NOT_RUN = "The browser tests did not run: no Chromium is installed (on Debian and Ubuntu: apt install chromium)."


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    """Run these tests last, after those that find the database as its migrations leave it.

    Without a browser they are skipped, but never in CI.
    """
    for item in filter(is_ours, items):
        item.add_marker(pytest.mark.django_db)  # the database is made for who is marked
        if not (find_browser() or os.environ.get("CI")):
            item.add_marker(pytest.mark.skip(reason=NOT_RUN))
    yield  # the marks decide which of them run at all
    items.sort(key=is_ours)


def is_ours(item) -> bool:
    return "tests/browser/" in item.path.as_posix()


def pytest_terminal_summary(terminalreporter) -> None:
    if any(NOT_RUN in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(NOT_RUN, yellow=True)


@pytest.fixture(scope="package")
def chromium():
    if not find_browser():
        pytest.fail(NOT_RUN)
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def world(chromium, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    """The airline, committed, beside a web server; emptied after the last of these tests."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright has a loop of its own in this thread
    directory = tmp_path_factory.mktemp("browser")
    with django_db_blocker.unblock():
        try:
            own = {"SKYBRIDGE_HOME": str(directory), "BOARDING_PASS_KEYS": boarding_pass_pem(settings.HOME)}
            with running_server(directory, SIGN_IN_FAILURES="3", **own) as server:
                yield build(f"http://127.0.0.1:{server.port}")
        finally:
            empty_the_database()
            connections.close_all()  # beside Playwright's loop Django has others than the one it closes in the end
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
            os.environ.update({"DJANGO_ALLOW_ASYNC_UNSAFE": before} if before else {})


@pytest.fixture(scope="package")
def rooms(chromium) -> Rooms:
    return Rooms(chromium)


@pytest.fixture
def window(rooms, world) -> Iterator[Callable[..., Window]]:
    """Return what opens a window of nobody, in a context of its own."""
    contexts = []

    def open_window(**options) -> Window:
        contexts.append(rooms.open(**options))
        return Window(contexts[-1].new_page(), world.base)

    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def office(rooms, world) -> Iterator[Callable[..., Window]]:
    """Return what opens a window of somebody who has signed in by the form, once for all tests."""
    pages = []

    def open_office(name: str = "head", **options) -> Window:
        context = rooms.of(name, lambda page: world.sign_in(Window(page, world.base), name), **options)
        pages.append(context.new_page())
        return Window(pages[-1], world.base, None if options else rooms.kinds)

    yield open_office
    for page in pages:
        page.close()
