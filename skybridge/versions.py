"""Optimistic locking over HTTP: an `ETag` per version, and `If-Match` on changes."""

from skybridge.exceptions import StaleVersion


def etag(version: int) -> str:
    return f'"{version}"'


def check_version(if_match: str | None, version: int) -> None:
    """Refuse a change whose `If-Match` names another version than the present one. Raises StaleVersion."""
    if if_match is None or if_match.strip() == "*":
        return
    if etag(version) not in [tag.strip() for tag in if_match.split(",")]:
        raise StaleVersion
