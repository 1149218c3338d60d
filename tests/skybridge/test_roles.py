"""Who may do what: the table of roles, the groups in the database, and the page that shows them."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from bookings.models import Booking
from skybridge import roles
from skybridge.history import subject_of
from skybridge.models import Act, Event
from tests.skybridge.staff import PASSWORD, change_user, signed_in, user_with, with_password, with_role

pytestmark = pytest.mark.django_db


def permissions_in(group: str) -> set[str]:
    found = Permission.objects.filter(group__name=group).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


@pytest.mark.parametrize("role", roles.ROLES)
def test_each_role_is_a_group_with_exactly_its_permissions(role):
    assert permissions_in(role) == roles.ROLES[role].permissions()


def test_the_table_names_only_permissions_that_exist_and_each_act_has_a_role():
    assert roles.apply() == []
    given = {act for role in roles.ROLES.values() for act in role.does.split()}
    assert given == {act for act, _ in Act._meta.permissions} - {"use_api"}


@pytest.mark.parametrize(
    ("page", "act", "neighbour"),
    [
        ("bookings/booking/act/extend_hold", "extend_hold", "change_itinerary"),
        ("flights/flight/act/block_seats", "block_seats", "disrupt_flight"),
        ("flights/flight/act/unblock_seats", "block_seats", "disrupt_flight"),
        ("orders/backup/act/store", "store_backup", "redrive_execution"),
    ],
)
def test_an_act_asks_for_its_own_permission(page, act, neighbour):
    model = page.split("/")[1]
    for name, expected in ((act, 404), (neighbour, 403)):  # 404: the page names nothing
        user = user_with(name=f"with {name}")
        user.user_permissions.set(Permission.objects.filter(codename__in=[name, f"view_{model}"]))
        assert signed_in(user).get(f"/admin/{page}/").status_code == expected


def test_again_nothing_happens_and_other_groups_stay(django_assert_num_queries):
    own = Group.objects.create(name="night shift")
    own.permissions.add(Permission.objects.get(codename="check_in"))
    with django_assert_num_queries(5):  # with a savepoint's two
        roles.apply()
    assert permissions_in("night shift") == {"skybridge.check_in"}


def test_a_role_changed_by_hand_is_put_right_by_migrate():
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.set(Permission.objects.filter(codename__in=["refund_booking", "view_flight"]))
    call_command("migrate", verbosity=0)
    assert permissions_in("viewer") == roles.ROLES["viewer"].permissions()


def test_the_viewer_changes_nothing():
    assert all(".view_" in name for name in permissions_in("viewer"))


@pytest.mark.parametrize("role", roles.ROLES)
def test_each_role_opens_what_it_sees_and_nothing_else(role):
    client = with_role(role)
    for model in admin.site._registry:
        meta = model._meta
        sees = f"{meta.app_label}.view_{meta.model_name}" in roles.ROLES[role].permissions()
        answer = client.get(f"/admin/{meta.app_label}/{meta.model_name}/")
        assert answer.status_code == (200 if sees else 403), (meta.label, answer.content[:200])


def test_the_page_of_permissions_says_it_all(django_assert_max_num_queries):
    Group.objects.create(name="night shift")
    client = with_role("viewer")
    with django_assert_max_num_queries(9):
        page = client.get("/admin/permissions/").content.decode()
    assert '<th scope="col">night shift</th>' in page
    assert "<caption>" in page
    row = page[page.index("Approve another&#x27;s refund") :].split("</tr>")[0]
    assert row.count(">yes</td>") == 2
    assert row.count(">–</td>") == 5
    assert client.post("/admin/permissions/").status_code == 405
    assert "/admin/permissions/" in client.get("/admin/").content.decode()


def test_the_page_is_for_staff(agent, nobody):
    for api in (agent, nobody):
        assert api.client.get("/admin/permissions/").status_code == 302


# --- Staff's changes through the API need an act of their own ---


@pytest.mark.parametrize("role", roles.ROLES)
def test_no_role_changes_anything_through_the_api(role, flight, monkeypatch):
    client = with_role(role)
    assert client.get("/api/v1/bookings").status_code == 200
    answer = client.post("/bookFlight", "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "not_in_role")


@pytest.mark.parametrize(
    ("role", "unseen"),
    [("viewer", {"/api/v1/statement"}), ("reservations", {"/api/v1/statement"}), ("supervisor", set()),
     ("check-in", {"/api/v1/statement", "/orders", "/executions"}), ("finance", set()),
     ("administrator", {"/api/v1/statement"}), ("", {"/api/v1/statement", "/orders", "/executions",
      "/api/v1/bookings", "/searchFlights"})],
)  # fmt: skip
def test_each_role_reads_through_the_api_what_it_sees(role, unseen):
    client = signed_in(user_with(role, name="clerk"))
    for path in ("/api/v1/statement", "/orders", "/executions", "/api/v1/bookings", "/searchFlights"):
        answer = client.get(path)
        assert (answer.status_code == 403) is (path in unseen), (path, answer.content)


def test_a_check_in_desk_sells_nothing_through_the_api(flight):
    """`/ticket` is a call of the desk that sells; the others of check-in and gates are theirs."""
    client = with_role("check-in")
    answer = client.post("/ticket", {"pax": "Ada Lovelace", "event_id": str(flight.pk)}, "application/json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "not_in_role")
    assert not Booking.objects.exists()
    assert client.post("/checkin", {}, "application/json").status_code == 400


def test_who_has_the_act_changes_through_the_api():
    user = user_with("viewer")
    user.user_permissions.add(Permission.objects.get(codename="use_api"))
    assert signed_in(user).post("/bookFlight", "{}", content_type="application/json").status_code == 400


# --- Administrators, who look after users ---


def test_an_administrator_gives_a_role_with_an_event():
    clerk = user_with("viewer", name="clerk")
    group = Group.objects.get(name="check-in")
    assert change_user(with_role("administrator"), clerk, is_staff="on", groups=[group.pk]) == 302
    assert list(clerk.groups.all()) == [group]
    event = Event.objects.get(action="user.changed")
    assert (event.before["groups"], event.after["groups"]) == (["viewer"], ["check-in"])


def test_an_administrator_makes_nobody_a_superuser():
    user = user_with("administrator")
    client = signed_in(user)
    everything = list(Permission.objects.values_list("pk", flat=True))
    assert change_user(client, user, is_staff="on", is_superuser="on", user_permissions=everything) == 302
    user.refresh_from_db()
    assert (user.is_superuser, user.user_permissions.count()) == (False, 0)


def test_an_administrator_does_not_touch_superusers():
    boss = User.objects.create_superuser("boss", password="an old demo password")
    client = with_role("administrator")
    assert change_user(client, boss) == 403
    new = {"password1": "a new demo password", "password2": "a new demo password"}
    assert client.post(f"/admin/auth/user/{boss.pk}/password/", new).status_code == 403
    boss.refresh_from_db()
    assert boss.check_password("an old demo password")
    assert boss.is_superuser


@pytest.fixture
def robots(db) -> Group:
    group = Group.objects.create(name="robots")
    group.permissions.set(Permission.objects.filter(codename__in=["use_api", "view_flight"]))
    return group


def test_an_administrator_gives_nobody_the_act_that_does_all(robots):
    user = user_with("administrator")
    client, all_acts = signed_in(user), list(robots.permissions.values_list("pk", flat=True))
    assert client.post("/admin/auth/group/add/", {"name": "mine", "permissions": all_acts}).status_code == 200
    assert client.post(f"/admin/auth/group/{robots.pk}/change/", {"name": "mine"}).status_code == 403
    assert change_user(client, user, is_staff="on", groups=[robots.pk]) == 200
    user.refresh_from_db()
    assert not user.has_perm("skybridge.use_api")
    assert set(Group.objects.filter(permissions__codename="use_api")) == {robots}


def test_an_administrator_becomes_nobody_who_has_it(robots):
    robot = with_password(user_with(name="robot"))
    robot.groups.set([robots])
    client = with_role("administrator")
    new = {"password1": "a new demo password", "password2": "a new demo password"}
    assert client.post(f"/admin/auth/user/{robot.pk}/password/", new).status_code == 403
    assert client.post(f"/admin/auth/user/{robot.pk}/second-factor/").status_code == 403
    assert change_user(client, robot, is_staff="on") == 403
    robot.refresh_from_db()
    assert robot.check_password(PASSWORD)
    assert robot.has_perm("skybridge.use_api")


def test_superusers_give_it(robots):
    client = signed_in(User.objects.create_superuser("boss"))
    user = user_with("viewer", name="clerk")
    assert change_user(client, user, is_staff="on", groups=[robots.pk]) == 302
    assert User.objects.get(pk=user.pk).has_perm("skybridge.use_api")


def test_an_administrator_changes_ones_own_sign_in_only_with_the_old_one():
    user = with_password(user_with("administrator"))
    client = signed_in(user)
    new = {"password1": "a new demo password", "password2": "a new demo password"}
    assert client.post(f"/admin/auth/user/{user.pk}/password/", new)["Location"] == "/admin/password_change/"
    assert client.post(f"/admin/auth/user/{user.pk}/second-factor/")["Location"] == "/account/second-factor/"
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert not Event.objects.filter(subject_id=subject_of(user)).exists()


@pytest.mark.parametrize("role", ["viewer", "administrator"])
def test_roles_and_users_are_not_changed_or_deleted_by_hand(role):
    client = signed_in(User.objects.create_superuser("boss"))
    group = Group.objects.get(name=role)
    before = permissions_in(role)
    assert client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "x"}).status_code == 403
    assert client.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"})
    user = user_with(role)
    assert client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert permissions_in(role) == before
    assert User.objects.filter(pk=user.pk).exists()


def test_secrets_of_second_factors_have_no_page():
    client = signed_in(User.objects.create_superuser("boss"))
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404
    assert client.get("/admin/otp_static/staticdevice/").status_code == 404
