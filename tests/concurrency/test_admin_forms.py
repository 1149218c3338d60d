"""Two forms of one row sent at the same moment: one is saved, the other is told."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import User

from partners.models import Plan
from skybridge import versioned_admin
from tests.concurrency.racing import together
from tests.conftest import session_api


def race() -> list[int]:
    """Let four people who have all opened the same form send it at one moment; return the answers' status codes."""
    plan = Plan.objects.create(name="slow", rate=5, burst=10)
    page = f"/admin/partners/plan/{plan.pk}/change/"
    browsers = [session_api(User.objects.create_superuser(f"boss-{n}")).client for n in range(4)]
    tokens = [re.search(r'name="read_as" value="([^"]*)"', b.get(page).content.decode())[1] for b in browsers]

    def sender(n: int):
        form = {"name": "slow", "rate": str(100 + n), "burst": "10", "quota_period": "day"}
        return lambda: browsers[n].post(page, {**form, "read_as": unescape(tokens[n])}).status_code

    return together(sender(n) for n in range(4))


@pytest.mark.django_db(transaction=True)
def test_one_is_saved_and_the_others_are_told():
    assert sorted(race()) == [200, 200, 200, 302]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_more_than_one_is_saved(monkeypatch):
    """Without the row's lock, forms that were read together are compared with the same row."""
    monkeypatch.delattr(versioned_admin.VersionedAdmin, "get_object")
    saved = 0
    for _ in range(5):
        Plan.objects.all().delete()
        User.objects.all().delete()
        saved = max(saved, race().count(302))
    assert saved > 1
