"""What an agency sees of itself; its keys are shown once."""

from orders import workflow
from tests.browser.chromium import PHONE
from tests.browser.keys import Keys
from tests.concurrency.racing import together


def fail(order_id: str) -> None:
    """Carry an order on until its card is declined."""
    attempt = workflow.begin(order_id)
    workflow.finish(attempt, workflow.Failure("payment_declined", "No funds.", is_final=True))


def test_an_agency_looks_at_its_day_and_orders_by_keyboard(office, world):
    window = office("manager")
    keys = Keys(window)
    window.open("/flights/")
    keys.follow("Agency")
    window.verify_new()
    keys.follow("Orders")
    window.verify_new()
    together([lambda: fail(world.trade.broken)])
    window.look(f"/agency/orders/{world.trade.broken}/")
    assert "What failed, and what to do" in window.page.inner_text("main")
    window.look(f"/agency/orders/{world.order['order_id']}/")
    keys.follow("Cancel it: show first what goes back")
    window.verify_new()
    keys.follow("Keep it").follow("Statement")
    window.verify_new()


def test_a_key_is_made_by_keyboard_and_shown_once(office, world):
    window = office("manager")
    keys = Keys(window)
    window.look("/agency/keys/")
    keys.fill("Name", "Till 7").follow("Make a key")
    assert keys.is_on("[role=alert]")
    secret = window.page.inner_text("#secret")
    window.verify_new()
    keys.follow("I have kept it")
    assert secret[:12] in window.page.content()
    assert secret not in window.page.content()
    keys.follow(f"Revoke {secret[:12]}")
    window.verify_new()
    keys.follow("Revoke it")
    assert "Till 7" in window.page.inner_text("[aria-labelledby=ended-title]")
    window.verify_new()


def test_agents_who_do_not_manage_see_no_keys(office):
    window = office("seller")
    window.open("/agency/")
    assert "API keys" not in window.page.inner_text("main")
    window.look("/agency/keys/", 403)


def test_keys_and_extras_do_not_scroll_sideways_on_a_phone(office, world):
    window = office("manager", viewport=PHONE)
    for path in ("/agency/keys/", f"/bookings/{world.trade.held['booking_id']}/extras/"):
        window.look(path)
        widths = "boxes => boxes.map(box => [box.scrollWidth, box.clientWidth])"
        boxes = window.page.eval_on_selector_all(".table.stacks", widths)
        assert boxes
        assert all(needed <= given for needed, given in boxes)
