"""The confirmation of an act sent twice at one moment: it is carried out once, and the second is told."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from partners.models import Agency, ApiKey
from skybridge import acts
from tests.concurrency.racing import together
from tests.conftest import session_api
from tests.skybridge.desk import confirm, look, text

MODEL, ACT = "partners/agency", "create_key"


@pytest.fixture
def agency(fast_plan) -> Agency:
    return Agency.objects.create(name="Keyless", plan=fast_plan)


def press_twice(agency: Agency) -> list[str]:
    """Press the button of one page in two windows of one browser at one moment; return the pages that follow."""
    first = session_api(User.objects.create_superuser("boss")).client
    page = look(first, MODEL, ACT, agency.pk)
    second = Client()
    second.cookies.update(first.cookies)
    return together(
        lambda window=window: text(confirm(window, MODEL, ACT, page, mode="test", name=""))
        for window in (first, second)
    )


def keys_shown(pages: list[str]) -> list[str]:
    return [key for page in pages for key in set(re.findall(r"sb_test_[a-z2-7]{32}", page))]


def test_one_key_is_made_and_the_second_press_is_told(agency):
    pages = press_twice(agency)
    assert sum("This page was submitted before; nothing was done again." in page for page in pages) == 1
    assert len(keys_shown(pages)) == 1
    assert ApiKey.objects.filter(agency=agency).count() == 1


def test_without_the_guard_two_keys_are_made(agency, monkeypatch):
    """Nothing that the page shows changes with a new key, so its token would let both through."""
    monkeypatch.setattr(acts, "claim", lambda request: True)
    assert len(keys_shown(press_twice(agency))) == 2
    assert ApiKey.objects.filter(agency=agency).count() == 2
