"""Headers whose values we have made ourselves."""

from collections.abc import Mapping

from django.http.response import HttpResponseBase


def put(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Set headers of an answer in one go; one by one, Django looks at every character of each again.

    For values of printable ASCII that nobody else has a say in.
    """
    response.headers._store |= stored(headers)


def suggest(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Do what `put` does with those headers that the answer has not."""
    response.headers._store = stored(headers) | response.headers._store


def stored(headers: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {name.lower(): (name, value) for name, value in headers.items()}
