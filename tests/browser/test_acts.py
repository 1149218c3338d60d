"""What staff do, by hand: the page that shows what will come of it, the button, and what is said then."""

import pytest
from playwright.sync_api import Error

from skybridge.models import Approval
from tests.browser.errands import BY_TWO, ERRANDS, Errand, declared

SHOW, CONFIRM = "button[value=preview]", "button[value=confirm]"
SAID, REFUSED = ".messagelist, .secret", ".messagelist .error, .shown.is-refused"


def test_no_act_is_left_out():
    assert {(errand.model, errand.act) for errand in ERRANDS} | BY_TWO == declared()


def press(window, act: str) -> None:
    """Press an act's button on a thing's page, wherever it is."""
    button = window.page.locator(f".object-tools a[href*='/act/{act}/']")
    button.wait_for(state="attached")  # the page may still be on its way
    if not button.is_visible():
        window.page.click(".object-tools summary")
    button.click()


def choose(window, model: str, act: str, pks) -> None:
    """Choose an act for some things in their list."""
    window.open(f"/admin/{model}/")
    for pk in pks:
        window.page.check(f".action-select[value='{pk}']")
    window.page.select_option("select[name=action]", act)
    window.page.click(".actions button[type=submit]")


def fill_in(window, form: dict[str, str], things: dict) -> None:
    window.page.fill("#id_reason", "The customer asked.")
    for name, value in form.items():
        field, value = window.page.locator(f"#id_{name}"), value.format(**things)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def look(window, form: dict[str, str], things: dict) -> None:
    """Fill in the form of an act's page and see what would come of it."""
    fill_in(window, form, things)
    if window.page.query_selector(SHOW):
        window.page.click(SHOW)


def confirm(window) -> str:
    """Press the button, if there is one; return what is said then."""
    if window.page.query_selector(CONFIRM):
        window.page.click(CONFIRM)
    window.verify_quiet()
    return window.page.inner_text(f"{SAID}, .shown")


@pytest.mark.parametrize("errand", ERRANDS, ids=str)
def test_an_act_is_gone_through(office, world, errand: Errand):
    """From the button of a thing's page to what is said; then the list's action for what is refused."""
    window, things = office(errand.who), world.things
    window.open(f"/admin/{errand.model}/{things[errand.thing]}/change/")
    press(window, errand.act)
    look(window, errand.form, things)
    window.verify_new()
    assert errand.says in confirm(window)
    assert not window.page.query_selector(REFUSED)
    window.verify_new()
    if errand.code:
        refuse(window, errand, things)


def refuse(window, errand: Errand, things: dict) -> None:
    pk = things[errand.refused or errand.thing]
    if errand.act in ("retime", "aircraft"):  # for one flight at a time
        window.open(f"/admin/{errand.model}/act/{errand.act}/?id={pk}")
    else:
        choose(window, errand.model, errand.act, [pk])
    look(window, errand.refused_form or errand.form, things)
    assert f"({errand.code})" in confirm(window)
    assert window.page.query_selector(REFUSED)
    window.verify_new()


def test_several_are_dealt_with_at_once(office, world):
    window = office("reservations")
    choose(window, "bookings/booking", "extend_hold", [world.things[f"short_{n}"] for n in range(2)])
    look(window, {"minutes": "45"}, world.things)
    window.verify()
    assert "2 bookings: 2 can be done now." in window.page.inner_text("#content")
    assert "2 done, 0 refused." in confirm(window)
    window.verify()


@pytest.mark.parametrize(
    ("model", "button"), [("orders/execution", "Redrive all that failed"), ("orders/backup", "Store all that waits")]
)
def test_everything_is_dealt_with_at_once(office, world, model, button):
    window = office("administrator")
    window.open(f"/admin/{model}/")
    window.page.click(f"text={button}")
    fill_in(window, {}, {})
    window.verify()
    assert "0 refused" in confirm(window)
    window.verify()


def test_a_waiver_is_refused_then_granted_by_a_second_person(office, world):
    asking, deciding = office("supervisor"), office("deputy")
    page = f"/admin/bookings/booking/act/waive/?id={world.things['waived']}"
    for decision, says in (("refuse", "is refused"), ("grant", "is granted")):
        ask(asking, page)
        approval = Approval.objects.get(decided_at=None, object_id=world.things["waived"])
        assert "(own_approval)" in decide(asking, approval, "grant")
        assert says in decide(deciding, approval, decision)
    asking.open(page)
    assert "Granted: confirming carries it out" in asking.page.inner_text("#content")
    fill_in(asking, {}, {})
    assert "is refunded" in confirm(asking)
    asking.verify()
    deciding.accept("/admin/skybridge/approval/")


def ask(window, page: str) -> None:
    window.accept(page)
    fill_in(window, {}, {})
    assert "waits for a second person" in confirm(window)


def decide(window, approval: Approval, decision: str) -> str:
    """Decide on what waits, from the list of approvals; return what is said."""
    window.open("/admin/skybridge/approval/?state=waiting")
    window.page.click(f"#result_list a[href*='{approval.pk}/change/']")
    window.verify()
    press(window, decision)
    fill_in(window, {}, {})
    window.verify()
    return confirm(window)


def test_a_new_key_is_shown_once(office, world):
    """After the page that shows it, the key's text is nowhere, neither by going back nor by loading again."""
    window = office("administrator")
    window.open(f"/admin/partners/agency/act/create_key/?id={world.things['new_agency']}")
    fill_in(window, {"mode": "live"}, {})
    window.page.click(CONFIRM)
    window.verify()
    secret = window.page.inner_text(".secret")
    window.page.click("text=Go on")
    assert secret not in window.page.content()
    with pytest.raises(Error, match="ERR_CACHE_MISS"):  # the browser was told not to keep it
        window.page.go_back()


def test_going_back_changes_nothing(office, world):
    window = office("supervisor")
    window.accept(f"/admin/bookings/booking/act/cancel/?id={world.boarding['booking_id']}")
    window.page.click("text=Go back, change nothing")
    window.verify()
    assert "confirmed" in window.page.inner_text(".field-status, .field-status_now, #content")
