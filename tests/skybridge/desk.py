"""Acting in the back office as a person does: the page first, then the button, with what the page carries."""

import re
from html import unescape
from typing import Any

from django.test import Client


def act_page(model: str, name: str) -> str:
    return f"/admin/{model}/act/{name}/"


def text(response) -> str:
    assert response.status_code == 200, (response.status_code, response.content[:300])
    return unescape(response.content.decode())


def hidden(page: str) -> dict[str, list[str]]:
    """Return the hidden fields of a page's form."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(unescape(value))
    return found


def look(client: Client, model: str, act: str, /, *ids: Any, **form: Any) -> str:
    """Return the page of an act on things: as it opens, or with a form filled in what will come of it."""
    path = act_page(model, act)
    if not form:
        return text(client.get(path, {"id": ids}))
    return text(client.post(path, {"id": ids, "step": "preview", "reason": "Because.", **form}))


def confirm(client: Client, model: str, act: str, page: str, /, **form: Any):
    """Press the button of a page that shows what will come of it."""
    body = {"reason": "Because.", **hidden(page), **form, "step": "confirm"}
    return client.post(act_page(model, act), body, follow=True)


def do(client: Client, model: str, act: str, /, *ids: Any, asks_first: bool = False, **form: Any) -> str:
    """Look, confirm, and return the page that follows."""
    page = look(client, model, act, *ids, **({"reason": "Because."} if asks_first else {}), **form)
    return text(confirm(client, model, act, page, **form))


def forge(client: Client, model: str, act: str, /, *ids: Any, **form: Any):
    """Post a confirmation without having seen a page."""
    tokens = {f"token-{pk}": "x" for pk in ids}
    body = {"id": ids, "step": "confirm", "once": "forged", "reason": "Mine.", **tokens, **form}
    return client.post(act_page(model, act), body)


def offered(client: Client, model: str, pk: Any) -> set[str]:
    """Return the names of the acts whose buttons are on a thing's page."""
    page = text(client.get(f"/admin/{model}/{pk}/change/"))
    return set(re.findall(rf'href="/admin/{model}/act/([a-z_]+)/\?id=', page))
