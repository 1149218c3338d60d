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
