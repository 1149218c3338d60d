"""What tests of the airport's pages do: sign people in, sell and check in, read pages."""

import html
import re
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from partners.models import Agent
from skybridge import roles
from tests.conftest import Api, new_client


def in_role(role: str) -> Client:
    """Return the browser of somebody who has a role and nothing else."""
    roles.apply()
    user = User.objects.create_user(f"one-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return browser_of(user)


def agent_of(agency: Api) -> Client:
    user = User.objects.create_user(f"agent-{agency.id[-6:]}")
    Agent.objects.create(user=user, agency_id=agency.id)
    return browser_of(user)


def browser_of(user: User) -> Client:
    client = new_client()
    client.force_login(user)
    return client


def text_of(response) -> str:
    """Return what a page says, without its tags."""
    page = re.sub(r"<(script|template|head).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def opened(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == status, response.content[:500]
    return text_of(response)


def sent(client: Client, path: str, body: dict[str, Any], status: int) -> Any:
    response = client.post(path, body, headers={"Accept": "text/html"})
    assert response.status_code == status, text_of(response)
    return response
