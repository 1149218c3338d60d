"""The back office in a browser: who sees what, and every page of it."""

import pytest
from django.contrib import admin

from skybridge.roles import ROLES

SEEN = {"bookings.booking": "booking", "orders.order": "order", "flights.flight": "flight"}
TOOLTIP = ".selector .help-tooltip"  # Django's widget of two boxes labels what may not be labelled


def lists() -> list[str]:
    """Return the models of the back office as `app/model`."""
    return [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]


def page_of(world, model: str) -> str:
    keys = {
        "bookings.booking": world.booking["booking_id"],
        "orders.order": world.order["order_id"],
        "flights.flight": world.flight.pk,
    }
    return f"/admin/{model.replace('.', '/')}/{keys[model]}/change/"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_what_it_may(office, world, role):
    window = office(role)
    window.accept("/admin/")
    permissions = ROLES[role].permissions()
    shown = set(window.page.eval_on_selector_all("#content a", "links => links.map(a => a.getAttribute('href'))"))
    for model in ("bookings.booking", "orders.order", "flights.flight", "partners.apikey", "partners.account"):
        app, name = model.split(".")
        may = f"{app}.view_{name}" in permissions
        assert (f"/admin/{app}/{name}/" in shown) == may, model
        assert window.open(f"/admin/{app}/{name}/") == (200 if may else 403)
        if may and model in SEEN:
            window.troubles.clear()
            assert window.open(page_of(world, model)) == 200
            window.verify_new()


def test_every_list_and_one_of_each(office, world):
    """Each is opened; for accessibility, those are looked at that have something which none before them has."""
    window = office()
    found = {}
    for model in lists():
        assert window.open(f"/admin/{model}/") == 200, model
        found[model] = window.judge_new()
        first = window.page.query_selector("#result_list tbody th a, #result_list tbody td a[href*='/change/']")
        if first:
            assert window.open(first.get_attribute("href")) == 200
            found[f"one of {model}"] = window.judge_new(TOOLTIP)
        window.troubles.clear()
    assert {page: troubles for page, troubles in found.items() if troubles} == {}


@pytest.mark.parametrize("model", SEEN)
def test_pages_and_histories_in_the_dark(office, world, model):
    window = office(color_scheme="dark")
    page = page_of(world, model)
    for path in ("/admin/", f"/admin/{model.replace('.', '/')}/", page, page.replace("/change/", "/history/")):
        window.accept(path)


def test_the_theme_is_switched_by_hand(office):
    window = office()
    window.open("/admin/")
    for theme in ("dark", "light", "auto"):
        window.page.click("#header .theme-toggle")
        assert window.page.get_attribute("html", "data-theme") == theme
        window.verify()


def test_pages_fit_a_phone(office, world):
    window = office(viewport={"width": 375, "height": 700})
    for path in ("/admin/", *(page_of(world, model) for model in SEEN), "/admin/flights/flight/import/"):
        window.accept(path)
        width = window.page.evaluate("document.documentElement.scrollWidth")
        assert (path, width) == (path, 375)


def test_anything_is_found_by_keyboard(office, world):
    window = office("reservations")
    window.open("/admin/")
    window.page.keyboard.press("/")
    window.page.keyboard.type(world.booking["record_locator"])
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(f"**/admin/bookings/booking/{world.booking['booking_id']}/change/")
    window.verify()
    window.accept("/admin/find/?q=lovelace")
    window.accept("/admin/find/?q=nothing-of-this-name")


def test_pages_about_oneself_and_about_permissions(office):
    window = office("administrator")
    pages = ("permissions/", "password_change/", "auth/user/add/", "auth/group/add/")
    for path in ("/account/second-factor/", "/account/sessions/", *(f"/admin/{page}" for page in pages)):
        window.accept(path, exclude=[TOOLTIP])
    window.open("/admin/")
    if window.page.query_selector("#user-tools summary"):
        window.page.click("#user-tools summary")
    window.page.click("#user-tools >> text=Second factor")
    assert window.page.url.endswith("/account/second-factor/")
