"""People of the back office for tests: a browser signed in as somebody with a role."""

from django.contrib.auth.models import Group, User
from django.test import Client

from tests.conftest import session_api

PASSWORD = "a long demo password"


def user_with(*roles: str, name: str = "", **fields) -> User:
    user = User.objects.create_user(name or "-".join(roles) or "nobody", is_staff=True, **fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def signed_in(user: User) -> Client:
    return session_api(user).client


def with_role(*roles: str, name: str = "") -> Client:
    return signed_in(user_with(*roles, name=name))


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    return user


def change_user(client: Client, user: User, **fields) -> int:
    """Post the form of a user, and return the status of the answer."""
    body = {"username": user.username, "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    return client.post(f"/admin/auth/user/{user.pk}/change/", {**body, **fields}).status_code
