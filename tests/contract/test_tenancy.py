"""Every operation of the API as nobody, rival agency, traveller, agent and staff; identity wins over the body."""

import pytest

from bookings.models import Booking
from orders.models import Order
from tests.contract.operations import CUSTOMER, OPERATIONS, PRODUCT, make_order, make_subject, refusal, snapshot

OBJECTS = [operation for operation in OPERATIONS if operation.noun]
CREATIONS = [operation for operation in OPERATIONS if operation.creates]
LISTS = [operation for operation in OPERATIONS if operation.lists]
DUTIES = [operation for operation in OPERATIONS if operation.caller != "acme" and not operation.is_money]
LOOK = next(o for o in OPERATIONS if o.path == "/boarding-passes/validate")
PUBLIC = [o for o in OPERATIONS if o not in [*OBJECTS, *CREATIONS, *LISTS, *DUTIES, LOOK] and not o.is_money]

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_object = pytest.mark.parametrize("operation", OBJECTS, ids=str)
each_creation = pytest.mark.parametrize("operation", CREATIONS, ids=str)
each_list = pytest.mark.parametrize("operation", LISTS, ids=str)
each_duty = pytest.mark.parametrize("operation", DUTIES, ids=str)
each_public = pytest.mark.parametrize("operation", PUBLIC, ids=str)


def test_the_kinds_of_operations_are_all_there():
    assert {noun: sum(o.noun == noun for o in OBJECTS) for noun in ("booking", "ticket", "order", "execution")} == {
        "booking": 24,
        "ticket": 11,
        "order": 11,
        "execution": 5,
    }
    assert [operation.creates for operation in CREATIONS].count("booking") == 5
    assert [operation.creates for operation in CREATIONS].count("order") == 2
    assert [operation.lists for operation in LISTS].count("booking") == 5
    assert [operation.lists for operation in LISTS].count("order") == 3
    assert len(DUTIES) == 10
    assert len(PUBLIC) == 6


@each_operation
def test_nobody_and_a_bad_key_are_forbidden(operation, acme, nobody, flight):
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    bad_key = acme.headers["x-api-key"].swapcase()
    for headers in ({}, {"x_api_key": bad_key}, {"x_api_key": ""}):
        assert refusal(operation.call(nobody, subject, **headers), 403, "forbidden")["message"] == "Forbidden"
    assert snapshot() == before


@each_object
def test_anothers_is_not_found(operation, acme, zenith, traveller, flight):
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    for other in (zenith, traveller):
        refused = refusal(operation.call(other, subject), 404)
        assert refused["code"] in (f"{operation.noun}_not_found", "quote_not_found")
        assert subject.id_of(operation.noun) not in refused["message"]
        assert snapshot() == before


@each_object
@pytest.mark.parametrize("insider", ["acme", "agent", "staff"])
def test_insiders_reach_it(operation, insider, acme, flight, request):
    subject = make_subject(acme, flight, operation)
    answer = operation.call(request.getfixturevalue(insider), subject)
    assert answer.status_code in (200, 201)
    assert subject.id_of(operation.noun) in answer.content.decode() or operation.path.endswith("/history")


@each_duty
def test_duties_of_the_airline_are_forbidden(operation, acme, zenith, traveller, agent, flight):
    subject = make_subject(acme, flight, operation)
    before = snapshot()
    for outsider in (acme, zenith, traveller, agent):
        refusal(operation.call(outsider, subject), 403, "forbidden")
        assert snapshot() == before


@each_duty
@pytest.mark.parametrize("insider", ["handler", "staff"])
def test_the_airline_does_its_duties(operation, insider, acme, flight, request):
    subject = make_subject(acme, flight, operation)
    answer = operation.call(request.getfixturevalue(insider), subject)
    assert answer.status_code in ((200, 201) if insider in ("staff", operation.caller) else (403,))


@pytest.mark.parametrize(
    ("viewer", "result"),
    [("acme", "accepted"), ("agent", "accepted"), ("staff", "accepted"), ("handler", "accepted"),
     ("zenith", "refused"), ("traveller", "refused")],
)  # fmt: skip
def test_who_may_look_at_a_boarding_pass(viewer, result, acme, flight, request):
    subject = make_subject(acme, flight, LOOK)
    answer = LOOK.call(request.getfixturevalue(viewer), subject).json()
    assert (answer["result"], answer["reason"]) == (result, None if result == "accepted" else "unknown")
    assert ("LOVELACE" in str(answer).upper()) == (result == "accepted")


EMPTY = (
    [],
    {"bookings": [], "limit": 20, "next": None},
    {"orders": [], "limit": 20, "next": None},
    {"executions": [], "limit": 20, "next": None},
    {"orders": [], "pagination": {"page": 1, "limit": 10, "total": 0, "pages": 0}},
)


@each_list
def test_a_rival_lists_nothing_of_acme(operation, acme, zenith, flight):
    subject = make_subject(acme, flight)
    answer = operation.call(zenith, subject)
    assert answer.status_code == 200
    assert subject.id_of(operation.lists) not in answer.content.decode()
    assert answer.json() in EMPTY


@each_list
def test_a_traveller_lists_nothing_of_acme(operation, acme, traveller, flight):
    subject = make_subject(acme, flight)
    answer = operation.call(traveller, subject)
    assert answer.status_code == (404 if "{user_id}" in operation.path else 200)
    assert subject.id_of(operation.lists) not in answer.content.decode()


@each_list
@pytest.mark.parametrize("insider", ["acme", "agent", "staff"])
def test_insiders_list_it(operation, insider, acme, flight, request):
    subject = make_subject(acme, flight)
    answer = operation.call(request.getfixturevalue(insider), subject)
    assert answer.status_code == 200
    assert subject.id_of(operation.lists) in answer.content.decode()


@each_list
def test_a_traveller_lists_its_own(operation, traveller, flight):
    body = {"event_id": str(flight.pk), "ticket_quantity": 1}
    made = {
        "booking": traveller.post("/api/v1/mgmt/bookings", body).json()["booking_id"],
        "order": make_order(traveller, traveller.id),
    }
    path = operation.path.format(user_id=traveller.id, event_id=flight.pk)
    answer = traveller.get(path)
    assert answer.status_code == 200
    assert made[operation.lists] in answer.content.decode()


@each_public
@pytest.mark.parametrize("caller", ["acme", "zenith", "traveller", "agent", "staff"])
def test_everybody_known_sees_flights_and_products(operation, caller, acme, flight, request):
    subject = make_subject(acme, flight)
    answer = operation.call(request.getfixturevalue(caller), subject)
    assert answer.status_code == 200
    assert (PRODUCT if operation.path == "/products" else str(flight.pk)) in answer.content.decode()
    assert subject.booking_id not in answer.content.decode()


def made_by(operation, answer) -> Booking | Order:
    """Return the row that a creation has made."""
    model = {"booking": Booking, "order": Order}[operation.creates]
    return model.objects.get(pk=answer.json()[f"{operation.creates}_id"])


@each_creation
@pytest.mark.parametrize("insider", ["acme", "agent"])
def test_what_insiders_make_is_the_agencys(operation, insider, acme, flight, request):
    answer = operation.call(request.getfixturevalue(insider), make_subject(acme, flight))
    assert str(made_by(operation, answer).agency_id) == acme.id
    assert operation.creates == "order" or answer.json()["agency"] == "Acme Travel"


@each_creation
def test_a_rival_never_buys_for_acme(operation, acme, zenith, flight):
    subject = make_subject(acme, flight)
    before = snapshot()
    answer = operation.call(zenith, subject)
    if operation.path == "/booking":  # names the agency
        refusal(answer, 403, "forbidden")
        assert snapshot() == before
    else:  # names a customer, who is then a customer of Zenith's own
        made = made_by(operation, answer)
        assert made.agency.name == "Zenith Tours"
        assert acme.get(f"/api/v1/{operation.creates}s/{made.pk}").status_code == 404


@each_creation
def test_a_traveller_never_buys_for_another(operation, acme, traveller, flight):
    subject = make_subject(acme, flight)
    before = snapshot()
    assert refusal(operation.call(traveller, subject), 403, "forbidden")["message"] == "Forbidden"
    assert snapshot() == before


@pytest.mark.parametrize(
    ("path", "field"),
    [("/bookFlight", "userId"), ("/api/v1/mgmt/bookings", "user_id"), ("/api/v1/bookings", "user_id")],
)
def test_a_traveller_books_for_itself(path, field, traveller, acme, flight):
    operation = next(o for o in CREATIONS if o.path == path)
    body = operation.valid_body(make_subject(acme, flight)) | {field: traveller.id}
    answer = traveller.post(path, body)
    assert answer.json()["user_id"] == traveller.id
    booking = Booking.objects.get(pk=answer.json()["booking_id"])
    assert (booking.agency_id, booking.user_id) == (None, traveller.id)


@pytest.mark.parametrize("path", ["/orders", "/api/v1/orders"])
def test_a_traveller_orders_for_itself(path, traveller, acme, flight):
    operation = next(o for o in CREATIONS if o.path == path)
    body = operation.valid_body(make_subject(acme, flight)) | {"customer_id": traveller.id}
    made = made_by(operation, traveller.post(path, body))
    assert (made.agency_id, made.customer_id) == (None, traveller.id)
    assert traveller.get(f"/orders/{made.pk}").json()["customer_id"] == traveller.id
    assert acme.get(f"/orders/{made.pk}").status_code == 404


def test_agency_and_traveller_with_one_customer_id_do_not_meet_on_orders(acme, traveller):
    theirs, own = make_order(acme, traveller.id), make_order(traveller, traveller.id)
    for api, seen, unseen in ((traveller, own, theirs), (acme, theirs, own)):
        assert [order["order_id"] for order in api.get("/api/v1/orders").json()["orders"]] == [seen]
        assert [order["order_id"] for order in api.get("/orders").json()["orders"]] == [seen]
        assert api.get(f"/orders/{unseen}").status_code == api.get(f"/status/{unseen}").status_code == 404


def test_agency_and_traveller_with_one_user_id_do_not_meet(acme, traveller, flight):
    """An agency may call its customer by a traveller's id; neither then sees the other's bookings."""
    body = {"event_id": str(flight.pk), "ticket_quantity": 1}
    theirs = acme.post("/api/v1/mgmt/bookings", body | {"user_id": traveller.id}).json()["booking_id"]
    own = traveller.post("/api/v1/mgmt/bookings", body).json()["booking_id"]
    assert [booking["booking_id"] for booking in traveller.get("/api/v1/bookings").json()["bookings"]] == [own]
    assert [booking["booking_id"] for booking in acme.get("/api/v1/bookings").json()["bookings"]] == [theirs]
    assert traveller.get(f"/api/v1/mgmt/bookings/{theirs}").status_code == 404
    assert acme.get(f"/api/v1/mgmt/bookings/{own}").status_code == 404


def test_staff_books_for_an_agency_by_name(acme, staff, flight):
    subject = make_subject(acme, flight)
    answer = staff.post("/booking", {"agency": "Acme Travel", "userId": CUSTOMER, **subject.flight_fields})
    assert answer.status_code == 201
    assert str(Booking.objects.get(pk=answer.json()["booking_id"]).agency_id) == acme.id


def test_an_agent_of_a_closed_agency_is_forbidden(acme, agent, flight):
    subject = make_subject(acme, flight)
    Booking.objects.get(pk=subject.booking_id).agency.__class__.objects.filter(pk=acme.id).update(is_active=False)
    refusal(agent.get(f"/api/v1/bookings/{subject.booking_id}"), 403, "forbidden")
