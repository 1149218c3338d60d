"""Every list and page of the back office costs the same however many rows there are, and keeps to the policy."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partners.models import Plan
from tests.conftest import session_api
from tests.skybridge.office import fill

MOST = 25
OURS = ("skybridge", "partners", "flights", "ticketing", "bookings", "orders")


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-office")).client


def lists() -> list[str]:
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


def page_named(name: str, kind: str, *args) -> str:
    return reverse(f"admin:{name}_{kind}", args=args)


def pages_of(name: str, office) -> list[str]:
    """Return a model's list, the list under each filter's second choice, a search of it, and a thing's pages."""
    path = page_named(name, "changelist")
    changelist = office.get(path).context["cl"]
    filters = [list(spec.choices(changelist))[1:2] for spec in changelist.filter_specs]
    found = [path, *(path + choice["query_string"] for choices in filters for choice in choices)]
    if changelist.search_fields:
        found.append(f"{path}?q=123")
    if changelist.result_list:
        key = quote(changelist.result_list[0].pk)
        found += [page_named(name, "change", key), page_named(name, "history", key)]
    return found


def costs(office) -> dict[str, int]:
    """Return how many statements each page takes, by the page without keys and values."""
    counted: dict[str, int] = {}
    for name in lists():
        for number, path in enumerate(pages_of(name, office)):
            with CaptureQueriesContext(
                connection,
            ) as statements:
                response = office.get(path)
            assert response.status_code == 200, path
            counted[f"{name} {number}"] = len(statements)
    return counted


def test_no_page_takes_more_statements_with_more_rows(office):
    fill(3)
    few = costs(office)
    fill(27, start=3)
    many = costs(office)
    assert {page: count for page, count in many.items() if count > MOST} == {}
    # Now and then a request also writes down when its session was last seen.
    grown = {page: (few[page], count) for page, count in many.items() if count > few.get(page, count) + 2}
    assert grown == {}


def test_each_of_our_models_has_a_list(office):
    fill(1)
    empty = [name for name in lists() if len(pages_of(name, office)) < 3 and name.split("_")[0] in OURS]
    assert [name for name in empty if name.startswith(("bookings", "orders", "ticketing", "flights", "partners"))] == []


@pytest.mark.parametrize("theme", ["index", "find", "bookings_booking_changelist", "password_change", "login"])
def test_pages_have_nothing_that_the_policy_forbids(office, theme):
    fill(1)
    response = office.get(reverse(theme if theme == "find" else f"admin:{theme}"), follow=True)
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", page)
    assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", page)


@pytest.mark.parametrize(
    "question",
    [
        "ticketing_boardingpass?barcode__startswith=M1",
        "ticketing_scan?barcode__contains=M",
        "ticketing_traveldocument?sealed__startswith=c",
        "partners_payment?token__startswith=tok",
        "partners_apikey?digest__gt=1",
        "orders_backup?document__currency=USD",
        "axes_accessattempt?post_data__contains=a",
        "auth_user?password__startswith=a",
        "auth_group?user__password__startswith=a",
        "bookings_booking?order__agency__api_keys__prefix__startswith=s",
        "bookings_booking?locator__regex=.",
        "bookings_booking?_to_field=order_id",
    ],
)
def test_a_list_answers_no_question_but_its_own_filters(office, question):
    fill(1)
    name, _, query = question.partition("?")
    assert office.get(f"{page_named(name, 'changelist')}?{query}").status_code == 400


def test_the_filters_of_a_list_are_answered(office):
    fill(1)
    for query in ("bookings_booking?status__exact=confirmed", "partners_agency?is_active__exact=1",
                  "orders_backup?stored_at__isempty=1", "auth_user?is_staff__exact=1", "auth_user?groups__id__exact=1",
                  f"partners_agency?plan__id__exact={Plan.objects.first().pk}"):  # fmt: skip
        name, _, query = query.partition("?")
        assert office.get(f"{page_named(name, 'changelist')}?{query}").status_code == 200, query


def test_the_airline_s_name_is_in_title_and_header(office, settings):
    page = office.get("/admin/").content.decode()
    assert f"{settings.AIRLINE_NAME} back office</title>" in page
    assert "Departure control" in page
    assert 'action="/admin/find/"' in page


def test_a_search_asks_for_nothing_that_cannot_be_there(office):
    fill(1)
    for name in lists():
        for term in ("' OR 1=1 --", "\0", "ü" * 300, "99999999999999999999"):
            assert office.get(page_named(name, "changelist"), {"q": term}).status_code == 200, (name, term)


@pytest.mark.parametrize(
    "day", ["2026", "2026-11", "2026-11-21", "2026-13", "9999", "9999-12-31", "x", "0001-01-01", "²"]
)
def test_days_are_chosen_without_asking_the_table(office, day):
    fill(1)
    for path in ("/admin/bookings/booking/?day=", "/admin/flights/flight/?departs="):
        assert office.get(path + day).status_code == 200


def test_nothing_is_deleted_by_hand(office):
    fill(1)
    for model, shown in admin.site._registry.items():
        if model._meta.app_label in OURS:
            assert not shown.has_delete_permission(office.get("/admin/").wsgi_request), model


def test_secrets_are_not_shown(office):
    fill(1)
    for name in lists():
        for path in pages_of(name, office):
            page = office.get(path).content.decode()
            assert "c2VhbGVk" not in page, path
            assert ">M1<" not in page, path
