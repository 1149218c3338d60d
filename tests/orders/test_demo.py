"""The demo's agencies have accounts in dollars: two with plenty of credit, one that soon has none."""

import pytest

from orders.demo import ensure_demo_limits
from orders.models import Backup
from partners.demo import ensure_demo_callers
from partners.models import Account
from skybridge.events import Actor

pytestmark = pytest.mark.django_db
ACTOR = Actor("system", "demo", "command")


def test_agencies_have_credit_and_keep_the_limit_that_staff_gives(settings, tmp_path):
    settings.HOME = tmp_path
    for zeniths in (2_500, 3_000):
        ensure_demo_callers(actor=ACTOR)
        ensure_demo_limits(actor=ACTOR)
        limits = Account.objects.values_list("agency__name", "currency", "credit_limit")
        assert set(limits) == {
            ("Acme Travel", "USD", 1_000_000), ("PartnerCo", "USD", 1_000_000), ("Zenith Tours", "USD", zeniths),
        }  # fmt: skip
        assert Backup.objects.filter(kind=Backup.Kind.ACCOUNT).count() == 3  # a limit is in the backup, and once
        Account.objects.filter(agency__name="Zenith Tours").update(credit_limit=3_000)
