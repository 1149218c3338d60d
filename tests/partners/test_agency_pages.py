"""An agency's pages: its day, orders, statement and API keys; whose they are, and what managers alone may do."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.urls import clear_url_caches
from django.utils import timezone

from partners import buckets
from partners.keys import caller_with
from partners.models import Agent, ApiKey, LedgerEntry
from tests.bookings.sales import book, confirmed, refused
from tests.conftest import new_client, session_api
from tests.contract.operations import snapshot
from tests.orders import shop
from tests.orders.disrupting import cancel, later

PAGES = ("/agency/", "/agency/orders/", "/agency/statement/", "/agency/keys/")
KEYS = "/agency/keys/"


@pytest.fixture(autouse=True)
def _own_pages(settings):
    settings.ROOT_URLCONF = "skybridge.urls"
    clear_url_caches()


@pytest.fixture
def manager(acme):
    user = User.objects.create_user("manager")
    Agent.objects.create(user=user, agency_id=acme.id, is_manager=True)
    return session_api(user)


def text(response) -> str:
    assert response.status_code == 200, response.content
    return unescape(response.content.decode())


def alert(response) -> str:
    found = re.search(r'role="alert".*?</div>', response.content.decode(), re.DOTALL)
    return unescape(found[0]) if found else ""


def failed_order(api) -> dict:
    """Place an order whose card is declined."""
    shop.product(stock=5)
    placed = shop.order(api, ("PROD001", 1), payment={"method": "card", "token": "tok_decline"})
    shop.run(placed)
    return placed


def order_at(placed: dict, query: str = "") -> str:
    return f"/agency/orders/{placed['order_id']}/{query}"


# --- Who gets in ---


@pytest.mark.parametrize("path", PAGES)
def test_agents_alone_get_in(staff, path):
    refused(staff.client.get(path), 403, "forbidden")
    assert new_client().get(path)["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/account/sessions/", "/account/second-factor/", "/no-such-page/", "/logout/"])
def test_an_agent_has_its_own_header_everywhere(agent, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        page = agent.client.get(path, headers={"Accept": "text/html"}).content.decode()
    assert '<a href="/agency/">Agency</a>' in page
    assert "My booking" not in page


def test_a_traveller_does_not_get_in(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Lovelace", "given_name": "Ada"}])
    guest = new_client()
    assert guest.post("/manage/", {"reference": booking["record_locator"], "surname": "Lovelace"}).status_code == 302
    assert {guest.get(path)["Location"].partition("?")[0] for path in PAGES} == {"/login/"}


def test_keys_are_for_managers(agent, manager):
    refused(agent.client.get(KEYS), 403, "forbidden")
    before = snapshot()
    refused(agent.client.post(KEYS, {"action": "create", "mode": "test"}), 403, "forbidden")
    assert snapshot() == before
    assert KEYS not in text(agent.client.get("/agency/"))
    assert KEYS in text(manager.client.get("/agency/"))


# --- The day ---


def test_the_day_is_the_agencys_own(agent, acme, zenith, flight):
    held = book(acme, flight)
    confirmed(acme, flight)
    theirs = book(zenith, flight)
    shown = text(agent.client.get("/agency/"))
    assert held["record_locator"] in shown
    assert theirs["record_locator"] not in shown
    assert "<dd>2</dd>" in shown  # bookings made
    assert "1 order" in shown


def test_what_failed_is_listed(agent, acme, settings):
    placed = failed_order(acme)
    shown = text(agent.client.get("/agency/"))
    assert order_at(placed) in shown
    assert "failed at: payment" in shown


def test_the_day_says_whom_disruptions_concern(agent, acme, zenith, flight, django_assert_max_num_queries):
    assert "disruption=" not in text(agent.client.get("/agency/"))
    later(flight, seats=1)
    for api in (acme, acme, zenith):
        confirmed(api, flight)
    cancel(flight)
    with django_assert_max_num_queries(10):
        shown = text(agent.client.get("/agency/"))
    assert '?disruption=waiting">1 booking waits for a choice</a>' in shown
    assert "the first until" in shown
    assert '?disruption=rebooked">1 booking was given another flight</a>' in shown


# --- Orders ---


def test_orders_have_pages_and_a_filter(agent, acme, zenith, monkeypatch):
    monkeypatch.setattr("orders.agency_desk.PAGE", 2)
    shop.product(stock=9)
    placed = [shop.order(acme, ("PROD001", 1)) for _ in range(3)]
    theirs = shop.order(zenith, ("PROD001", 1))
    first = text(agent.client.get("/agency/orders/"))
    assert [order_at(one) in first for one in placed] == [False, True, True]
    assert order_at(theirs) not in first
    [older] = re.findall(r'rel="next" href="(\?[^"]+)"', first)
    assert order_at(placed[0]) in text(agent.client.get("/agency/orders/" + older))
    assert "No orders here." in text(agent.client.get("/agency/orders/?status=failed"))
    refused(agent.client.get("/agency/orders/?cursor=x"), 400, "invalid_input")


def test_an_order_of_another_agency_is_not_found(agent, zenith):
    shop.product(stock=9)
    theirs = shop.order(zenith, ("PROD001", 1))
    before = snapshot()
    refused(agent.client.get(order_at(theirs)), 404, "order_not_found")
    for action in ("redrive", "quote", "cancel"):
        refused(agent.client.post(order_at(theirs), {"action": action}), 404, "order_not_found")
    assert snapshot() == before


def test_a_failed_order_goes_on_with_another_card(agent, acme):
    placed = failed_order(acme)
    assert "The order stopped at: payment." in text(agent.client.get(order_at(placed)))
    assert agent.client.post(order_at(placed), {"action": "redrive", "token": "tok_success"}).status_code == 302
    assert shop.execution(placed)["status"] == "RUNNING"
    before = snapshot()
    again = agent.client.post(order_at(placed), {"action": "redrive", "token": "tok_success"})
    assert again.status_code == 409
    assert alert(again)
    assert snapshot() == before


def test_an_order_is_cancelled_by_quote(agent, acme, flight):
    booking = confirmed(acme, flight)
    placed = {"order_id": booking["order_id"]}
    response = agent.client.post(order_at(placed), {"action": "quote"})
    assert response.status_code == 302, alert(response)
    shown = text(agent.client.get(response["Location"]))
    assert "What cancelling gives back" in shown
    quote = response["Location"].partition("quote=")[2]
    assert agent.client.post(order_at(placed), {"action": "cancel", "quote": quote}).status_code == 302
    assert shop.read(acme, placed)["status"] == "cancelled"


def test_a_quote_that_is_stale_changes_nothing(agent, acme, flight):
    placed = {"order_id": confirmed(acme, flight)["order_id"]}
    agent.client.post(order_at(placed), {"action": "quote"})
    shop.query("UPDATE orders_orderquote SET kept_amount = kept_amount + 1")
    [(quote,)] = shop.query("SELECT id FROM orders_orderquote")
    before = snapshot()
    response = agent.client.post(order_at(placed), {"action": "cancel", "quote": str(quote)})
    assert response.status_code == 409
    assert snapshot() == before


# --- The statement ---


def test_the_statement_of_a_month(agent, acme, zenith, flight):
    booking = confirmed(acme, flight)
    confirmed(zenith, flight)
    entry = LedgerEntry.objects.get(account_id=f"agency:{acme.id}:USD")
    shown = text(agent.client.get("/agency/statement/"))
    assert "1 entry" in shown
    assert f'<span class="locator">{booking["record_locator"]}</span>' in shown
    assert f"${entry.amount:.2f}" in shown
    [csv] = re.findall(r'href="(/api/v1/statement\.csv[^"]+)"', shown)
    assert agent.client.get(csv).status_code == 200
    before = text(agent.client.get("/agency/statement/?month=2020-01&currency=USD"))
    assert "Nothing moved in this month." in before


def test_a_long_statement_has_pages(agent, acme, flight, monkeypatch):
    monkeypatch.setattr("partners.views.LINES", 2)
    for _ in range(3):
        confirmed(acme, flight)
    shown = text(agent.client.get("/agency/statement/"))
    assert "1 entry on this page · page 2 of 2" in shown
    assert shown.count('class="number">$') == 2  # one charge and what is owed after it
    assert "page 1 of 2" in text(agent.client.get("/agency/statement/?page=1"))


@pytest.mark.parametrize("query", ["month=2026-13", "month=9999-01", "currency=usd"])
def test_a_month_that_is_none(agent, query):
    response = agent.client.get(f"/agency/statement/?{query}")
    assert response.status_code == 400
    assert alert(response)


# --- Keys ---


def test_a_key_is_shown_once(manager, acme):
    shown = text(manager.client.post(KEYS, {"action": "create", "mode": "live", "name": "Website"}))
    [key] = re.findall(r'id="secret">(sb_live_[a-z2-7]{32})<', shown)
    assert caller_with(key).agency_id == ApiKey.objects.get(name="Website").agency_id
    again = text(manager.client.get(KEYS))
    assert key not in again
    assert key[:12] in again
    [(kind, subject)] = shop.query("SELECT actor_kind, actor_id FROM skybridge_event WHERE action = 'api_key.created'")
    assert (kind, subject) == ("agent", manager.id)


def test_two_live_keys_are_enough(manager):
    manager.client.post(KEYS, {"action": "create", "mode": "test"})
    before = snapshot()
    response = manager.client.post(KEYS, {"action": "create", "mode": "test", "name": "third"})
    assert response.status_code == 409
    assert "at most two live keys" in alert(response)
    assert snapshot() == before


@pytest.mark.parametrize(
    "fields", [{"mode": "x"}, {"mode": "test", "name": "n" * 61}, {"mode": "test", "name": "\x07"}]
)
def test_what_a_key_cannot_be(manager, fields):
    before = snapshot()
    assert manager.client.post(KEYS, {"action": "create", **fields}).status_code == 400
    assert snapshot() == before


def test_a_key_is_replaced(manager, acme):
    old = ApiKey.objects.get(agency=acme.id)
    asked = text(manager.client.get(f"{KEYS}?do=rotate&key={old.pk}"))
    assert f"Replace {old.prefix}… by a new key?" in asked
    shown = text(manager.client.post(KEYS, {"action": "rotate", "key": str(old.pk), "overlap": "24"}))
    assert "sb_test_" in shown
    old.refresh_from_db()
    assert old.expires_at > timezone.now() + timedelta(hours=23)


def test_of_two_live_keys_the_replaced_one_ends_at_once(manager, acme):
    old = ApiKey.objects.get(agency=acme.id)
    manager.client.post(KEYS, {"action": "create", "mode": "test"})
    asked = text(manager.client.get(f"{KEYS}?do=rotate&key={old.pk}"))
    assert re.findall(r'name="overlap" value="(\d+)"[^>]*disabled', asked) == ["24", "168"]
    before = snapshot()
    refusal = manager.client.post(KEYS, {"action": "rotate", "key": str(old.pk), "overlap": "24"})
    assert refusal.status_code == 400
    assert "To let it work on, revoke the other one" in alert(refusal)
    assert "Make the new key" in refusal.content.decode()
    assert snapshot() == before
    assert "Your new key" in text(manager.client.post(KEYS, {"action": "rotate", "key": str(old.pk), "overlap": "0"}))


def test_a_key_is_revoked_after_asking(manager, acme):
    old = ApiKey.objects.get(agency=acme.id)
    before = snapshot()
    assert "Revoke it" in text(manager.client.get(f"{KEYS}?do=revoke&key={old.pk}"))
    assert snapshot() == before
    assert manager.client.post(KEYS, {"action": "revoke", "key": str(old.pk)}).status_code == 302
    refused(acme.get("/api/v1/bookings"), 403, "forbidden")


def test_keys_of_others_stay(manager, zenith):
    theirs = ApiKey.objects.get(agency=zenith.id)
    before = snapshot()
    for action in ("revoke", "rotate"):
        response = manager.client.post(KEYS, {"action": action, "key": str(theirs.pk), "overlap": "0"})
        assert response.status_code == 400
    assert theirs.prefix not in text(manager.client.get(f"{KEYS}?do=revoke&key={theirs.pk}")).partition("Live keys")[0]
    assert snapshot() == before


def test_usage_is_read_and_not_taken(manager, acme, fast_plan):
    fast_plan.quota = 1000
    fast_plan.save()
    for _ in range(3):
        acme.get("/api/v1/bookings")
    assert "3 of 1000 calls used" in text(manager.client.get(KEYS))
    assert "3 of 1000 calls used" in text(manager.client.get(KEYS))
    plan = ("slow", 0.001, 1, None, "day")
    for _ in range(4):
        buckets.take(f"throttle:agency:{acme.id}", plan)
    assert "This hour: 3." in text(manager.client.get(KEYS))


def test_keys_are_shown_while_valkey_is_down(manager, settings, monkeypatch):
    monkeypatch.setattr("partners.views.buckets.left_in", lambda *args: None)
    assert "not known at the moment" in text(manager.client.get(KEYS))


# --- What it costs ---


def test_every_page_is_a_few_statements(manager, acme, flight, django_assert_max_num_queries):
    placed = {"order_id": confirmed(acme, flight)["order_id"]}
    for _ in range(5):
        confirmed(acme, flight)
    for path in (*PAGES, order_at(placed)):
        manager.client.get(path)
        before = snapshot()
        with django_assert_max_num_queries(10):
            response = manager.client.get(path)
        assert response.status_code == 200, path
        assert snapshot() == before
