"""Two people at one form, and forged fields: what may not be changed by hand never is."""

import re
from html import unescape
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.forms.models import model_to_dict
from django.test import RequestFactory
from django.utils import timezone

from orders.models import Product
from partners.models import Account, Agency, Plan
from skybridge import approvals
from skybridge.models import Event
from tests.orders import shop
from tests.skybridge.office import fill
from tests.skybridge.staff import signed_in

pytestmark = pytest.mark.django_db
KEYS = {"api_keys-TOTAL_FORMS": 0, "api_keys-INITIAL_FORMS": 0}


@pytest.fixture
def ann():
    return signed_in(User.objects.create_superuser("ann"))


@pytest.fixture
def bob():
    return signed_in(User.objects.create_superuser("bob"))


def page_of(row) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{quote(str(row.pk))}/change/"


def opened(client, row) -> dict:
    """Return what the form carries besides its fields."""
    text = client.get(page_of(row)).content.decode()
    return {"read_as": unescape(re.search(r'name="read_as" value="([^"]*)"', text)[1])}


def plan_form(name="slow", rate="5", **more) -> dict:
    return {"name": name, "rate": rate, "burst": "10", "quota": "", "quota_period": "day", **more}


def test_the_second_is_told_what_changed_and_by_whom(ann, bob):
    plan = Plan.objects.create(name="slow", rate=5, burst=10)
    first, second = opened(ann, plan), opened(bob, plan)
    assert ann.post(page_of(plan), plan_form(rate="7", **first)).status_code == 302
    answer = bob.post(page_of(plan), plan_form(name="slower", **second))
    text = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert "Nothing was saved. While you were editing, this was changed by ann at" in text
    assert re.search(r"Rate[^;]* is now 7", text)
    assert "concurrent_change" in text
    plan.refresh_from_db()
    assert (plan.name, plan.rate) == ("slow", 7)
    assert Event.objects.filter(action="plan.changed").count() == 1
    again = bob.post(page_of(plan), plan_form(name="slower", **second))  # until the page is opened anew
    assert again.status_code == 200
    assert bob.post(page_of(plan), plan_form(name="slower", rate="7", **opened(bob, plan))).status_code == 302


def test_who_changes_nothing_that_the_other_did_is_still_told(ann, bob):
    product = shop.product()
    form = {"name": "New name", "category": product.category, "price": "999.99", "on_sale": "on", "pieces": "0"}
    first, second = opened(ann, product), opened(bob, product)
    ann.post(page_of(product), {**form, "price": "12.00", **first})
    text = bob.post(page_of(product), {**form, **second}).content.decode()
    assert "is now 12.00" in text
    assert Product.objects.get().price == 12


def test_a_sale_meanwhile_does_not_stop_an_edit(ann):
    product = shop.product(stock=50)
    read = opened(ann, product)
    Product.objects.update(stock=49)
    form = {"name": "New name", "category": product.category, "price": "999.99", "on_sale": "on", "pieces": "1", **read}
    answer = ann.post(page_of(product), form)
    assert answer.status_code == 302, answer.content.decode()
    product.refresh_from_db()
    assert (product.name, product.stock) == ("New name", 50)


def test_agencies_accounts_carriers_users_and_groups_carry_it_too(ann, agency_row, flight):
    account = Account.objects.create(
        code=f"agency:{agency_row.pk}:USD", kind="agency", agency=agency_row, currency="USD"
    )
    user = User.objects.create_user("clerk")
    group = apps.get_model("auth", "Group").objects.create(name="night shift")
    for row in (agency_row, account, flight.carrier, user, group):
        assert opened(ann, row)["read_as"].startswith("{"), row


def test_an_agency_changed_by_another_is_not_overwritten(ann, bob, agency_row):
    first, second = opened(ann, agency_row), opened(bob, agency_row)
    form = {"name": "Acme Travel", "plan": agency_row.plan_id, **KEYS}
    ann.post(page_of(agency_row), {**form, **first})  # made inactive
    assert "is now False" in bob.post(page_of(agency_row), {**form, "is_active": "on", **second}).content.decode()
    assert Agency.objects.get().is_active is False


@pytest.mark.parametrize("token", ["", "x", "[]", "3", '{"name": 1}', '{"nothing": "x"}'])
def test_a_broken_token_does_no_harm(ann, token):
    plan = Plan.objects.create(name="slow", rate=5, burst=10)
    assert ann.post(page_of(plan), plan_form(rate="6", read_as=token)).status_code in (200, 302)


@pytest.fixture
def agency_row(fast_plan) -> Agency:
    return Agency.objects.create(name="Acme Travel", plan=fast_plan)


# --- Forged fields ---

PROTECTED = re.compile(
    r"status|state|sold|held|free|capacity|seats|seat|stock|balance|version|(.*_)?amount|total|refunded|debit|credit|"
    r"number|locator|digest|is_granted|decided_by|used_at|checked_in_at|boarded_at"
)
each_admin = pytest.mark.parametrize(
    "model", sorted(admin.site._registry, key=str), ids=lambda model: model._meta.label
)


def protected_fields(model) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if PROTECTED.fullmatch(field.name)]


@each_admin
def test_no_form_has_a_protected_field(model):
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("ann")
    model_admin = admin.site._registry[model]
    if model_admin.has_change_permission(request, None):
        fields = model_admin.get_form(request, model(), change=True).base_fields
        assert not set(fields) & set(protected_fields(model))


@each_admin
def test_a_forged_form_changes_no_protected_field(model, ann):
    fill(1)
    clerk = User.objects.create_user("clerk")
    approvals.ask("refund_booking", uuid4(), {}, reason="-", user=clerk, at=timezone.now())
    AccessAttempt.objects.create(username="clerk", failures_since_start=1)
    row = model._default_manager.first()
    before = {name: getattr(row, name) for name in protected_fields(model)}
    forged = {field.name: "7" for field in model._meta.concrete_fields}
    kept = {name: value for name, value in model_to_dict(row).items() if value is not None}
    for body in (forged, {**kept, **dict.fromkeys(before, "7")}):
        assert ann.post(page_of(row), {**KEYS, **body, "_save": "Save"}).status_code in (200, 302, 403)
    now = model._default_manager.filter(pk=row.pk).values(*before).first() if before else {}
    assert now == before
