"""What staff do, by hand: the page that shows what will come of it, the button, and what is said then."""

import pytest

from orders.models import Execution

SHOW, CONFIRM = "button[value=preview]", "button[value=confirm]"
# Act, what it is for, who does it, and whether it asks first.
ACTS = [
    ("bookings/booking", "confirm", "held", "reservations", False),
    ("bookings/booking", "check_in", "leaving", "check-in", False),
    ("bookings/booking", "offload", "leaving", "supervisor", False),
    ("bookings/booking", "cancel", "booking", "reservations", True),
    ("flights/flight", "delay", "delayed", "supervisor", True),
    ("flights/flight", "cancel", "cancelled", "supervisor", False),
    ("partners/agency", "create_key", "agency", "administrator", False),
    ("partners/apikey", "rotate", "key", "administrator", False),
]


def do(window, path: str, asks_first: bool) -> str:
    """Go through an act, each page held to everything; return what the last one says."""
    window.accept(path)
    window.page.fill("#id_reason", "The customer asked.")
    if asks_first:
        fill_in(window.page)
        window.page.click(SHOW)
        window.verify()
    window.page.click(CONFIRM)
    window.verify()
    return window.page.inner_text("#container")


def fill_in(page) -> None:
    """Give the fields of the form that are empty and required a value."""
    for field in page.query_selector_all("form input[required]:not([type=hidden])"):
        if not field.input_value():
            field.fill({"number": "45", "datetime-local": "2030-01-01T10:00"}.get(field.get_attribute("type"), "45"))


@pytest.mark.parametrize(("model", "act", "thing", "who", "asks_first"), ACTS)
def test_acts(office, world, model, act, thing, who, asks_first):
    window = office(who)
    said = do(window, f"/admin/{model}/act/{act}/?id={world.things[thing]}", asks_first)
    assert "Nothing was done" not in said
    assert window.page.query_selector(".messagelist .success, .act-done, code, .secret"), said


def test_an_execution_is_stopped_and_redriven(office, world):
    window = office("supervisor")
    pk = Execution.objects.get(order=world.order["order_id"]).pk
    assert do(window, f"/admin/orders/execution/act/stop/?id={pk}", False)
    window.accept(f"/admin/orders/execution/{pk}/change/")


def test_going_back_changes_nothing(office, world):
    window = office("supervisor")
    window.accept(f"/admin/bookings/booking/act/cancel/?id={world.boarding['booking_id']}")
    window.page.click("text=Go back, change nothing")
    window.verify()
    assert "confirmed" in window.page.inner_text(".field-status, .field-status_now, #content")
