"""The back office: partners listed, agencies and credit limits changed."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.utils import timezone

from partners import ledger, services
from partners.models import Account, Agency, ApiKey, Plan, Traveller
from skybridge.models import Event
from tests import factories
from tests.conftest import session_api
from tests.partners.conftest import ADMIN


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-sales")).client


@pytest.mark.parametrize("model", ["agency", "apikey", "plan", "agent", "traveller"])
def test_each_list_opens(office, agency, model):
    services.create_api_key(agency, actor=ADMIN)
    Traveller.objects.create(user_id="ada", issuer="i", subject="ada")
    assert office.get(f"/admin/partners/{model}/").status_code == 200
    assert office.get(f"/admin/partners/{model}/?q=a").status_code == 200


def test_keys_and_agencies_are_not_deleted(office, agency):
    api_key, _ = services.create_api_key(agency, actor=ADMIN)
    assert office.post(f"/admin/partners/apikey/{api_key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert office.post(f"/admin/partners/agency/{agency.pk}/delete/", {"post": "yes"}).status_code == 403
    assert office.get("/admin/partners/apikey/add/").status_code == 403
    office.post("/admin/partners/apikey/", {"action": "delete_selected", "_selected_action": [api_key.pk]})
    assert ApiKey.objects.count() == 1


def test_an_agency_is_made_and_changed_with_an_event(office, fast_plan):
    keys_form = {"api_keys-TOTAL_FORMS": 0, "api_keys-INITIAL_FORMS": 0}
    office.post("/admin/partners/agency/add/", {"name": "New Co", "plan": fast_plan.pk, "is_active": "on", **keys_form})
    agency = Agency.objects.get(name="New Co")
    slow = Plan.objects.create(name="slow")
    office.post(f"/admin/partners/agency/{agency.pk}/change/", {"name": "New Co", "plan": slow.pk, **keys_form})
    made, changed = Event.objects.filter(subject_id=agency.pk).order_by("id")
    assert (made.action, made.before, made.actor_kind) == ("agency.created", None, "staff")
    assert changed.before == {"name": "New Co", "plan": "fast", "is_active": True, "is_ground_handler": False}
    assert changed.after == {"name": "New Co", "plan": "slow", "is_active": False, "is_ground_handler": False}


# --- Money ---


@pytest.fixture
def code(agency) -> str:
    """An agency's account that owes 80 dollars, 30 of a payment have gone back."""
    code = ledger.open_account(agency.pk, "", "USD")
    legs = [(code, Decimal(80)), ("sales:USD", Decimal(-80))]
    ledger.post("sale", legs, currency="USD", at=timezone.now())
    factories.refund()
    return code


@pytest.mark.parametrize("model", ["account", "ledgerentry", "payment", "refund"])
def test_money_is_looked_at_and_not_touched(office, code, model):
    assert office.get(f"/admin/partners/{model}/").status_code == 200
    assert office.get(f"/admin/partners/{model}/?q=0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11").status_code == 200
    assert office.get(f"/admin/partners/{model}/add/").status_code == 403
    row = apps.get_model("partners", model).objects.first()
    page = f"/admin/partners/{model}/{quote(str(row.pk))}/"
    assert office.get(f"{page}change/").status_code == 200
    assert office.post(f"{page}delete/", {"post": "yes"}).status_code == 403


def test_a_credit_limit_is_changed_with_an_event(office, agency, code):
    page = f"/admin/partners/account/{quote(code)}/change/"
    assert office.post(page, {"credit_limit": "2500", "balance": "0"}).status_code == 302
    account = Account.objects.get(pk=code)
    assert (account.credit_limit, account.balance) == (2500, 80)
    event = Event.objects.get(action="account.changed")
    assert (event.subject_id, event.actor_kind, event.door) == (agency.pk, "staff", "admin")
    assert office.post(page, {"credit_limit": "-1"}).status_code == 200  # shown again, with what is wrong
    assert Account.objects.get(pk=code).credit_limit == 2500


def test_the_airlines_own_accounts_have_no_limit(office, code):
    page = f"/admin/partners/account/{quote('sales:USD')}/change/"
    assert office.post(page, {"credit_limit": "2500"}).status_code == 403
    assert Account.objects.get(pk="sales:USD").credit_limit is None
