"""Orders by page number: what is on a page, how many there are, and that both cost the same however many there are."""

import pytest

from orders.models import Order, Tally
from tests.bookings.sales import act, book, query
from tests.orders import shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _products(db):
    shop.product("PROD001", "999.99", 50)


def listed(api, query: str = "") -> tuple[list[str], dict]:
    answer = api.get(f"/orders{query}")
    assert answer.status_code == 200, answer.content
    return [order["order_id"] for order in answer.json()["orders"]], answer.json()["pagination"]


def placed(api, count: int = 1) -> list[str]:
    return [shop.order(api, ("PROD001", 1))["order_id"] for _ in range(count)]


def test_every_order_is_on_one_page(acme):
    ids = placed(acme, 5)[::-1]
    pages = [listed(acme, f"?page={page}&limit=2") for page in (1, 2, 3, 4)]
    assert [found for found, _ in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {(facts["total"], facts["pages"]) for _, facts in pages} == {(5, 3)}


def test_the_number_is_kept_from_the_first_list_on(acme, zenith):
    ids = placed(acme, 3)
    assert Tally.objects.count() == 0
    assert listed(acme)[1]["total"] == 3
    ids += placed(acme, 2)
    placed(zenith)
    assert acme.delete(f"/orders/{ids[0]}").status_code == 200
    assert (listed(acme)[1]["total"], listed(zenith)[1]["total"]) == (4, 1)
    assert dict(Tally.objects.values_list("agency__name", "orders")) == {"Acme Travel": 4, "Zenith Tours": 1}


def test_an_order_that_is_refused_is_not_counted(acme):
    listed(acme)
    assert acme.post("/orders", shop.order_body(("PROD001", 51))).status_code == 409
    assert listed(acme)[1]["total"] == Order.objects.count() == 0


def test_orders_of_bookings_are_counted(acme, flight):
    listed(acme)
    placed_with = shop.order(acme, book(acme, flight), ("PROD001", 1))
    confirmed = act(acme, book(acme, flight), "confirm").json()
    assert listed(acme) == (
        [confirmed["order_id"], placed_with["order_id"]],
        {"page": 1, "limit": 10, "total": 2, "pages": 1},
    )


def test_staff_sees_all_orders_and_a_traveller_its_own(acme, staff, traveller):
    placed(acme, 2)
    own = shop.order(traveller, ("PROD001", 1), customer=traveller.id)["order_id"]
    assert listed(staff)[1]["total"] == 3
    assert listed(traveller)[0] == [own]
    assert listed(traveller)[1]["total"] == 1


@pytest.mark.parametrize("page", [1, 1000])
def test_a_page_is_read_by_a_plan_that_is_kept(page, acme):
    placed(acme)
    for number in range(12):
        listed(acme, f"?page={page + number % 3}&limit={10 + number % 2}")
    before = planned_anew()
    listed(acme, f"?page={page}&limit=10")
    assert planned_anew() <= before


def planned_anew() -> int:
    """Return how often a statement that reads a page was planned for its values, in this session."""
    counts = "SELECT sum(custom_plans) FROM pg_prepared_statements WHERE statement LIKE '%whole.total%'"
    return query(counts)[0][0]
