"""How the API's description is made, beyond what drf-spectacular does by itself."""


def without_trailing_slash(endpoints: list[tuple]) -> list[tuple]:
    """Describe each path without the trailing slash that it also answers to."""
    return [(path.rstrip("/") or "/", regex, method, view) for path, regex, method, view in endpoints]
