"""What the dashboard would have to count from very many rows: the beat counts it, Valkey keeps it for whoever looks.

A page that finds nothing kept, or no Valkey, counts by itself.
"""

import json
from typing import Any

import redis

from skybridge.valkey import valkey


def keep(name: str, facts: dict[str, Any], seconds: int) -> None:
    """Keep facts under a name for so long. Nothing happens while Valkey is away."""
    try:
        valkey().set(f"dashboard:{name}", json.dumps(facts), ex=seconds)
    except redis.RedisError:
        return


def kept(name: str) -> dict[str, Any] | None:
    """Return the facts that are kept under a name. One round trip; None while Valkey is away."""
    try:
        found = valkey().get(f"dashboard:{name}")
    except redis.RedisError:
        return None
    return json.loads(found) if found else None
