"""The one client of Valkey, made once per process."""

import functools

import redis
from django.conf import settings


@functools.cache
def valkey() -> redis.Redis:
    """Return the client. It gives up after half a second, so that a call never waits on a dead server."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
