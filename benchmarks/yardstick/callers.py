"""Who calls: the agency of an API key, which the process remembers for some seconds."""

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from . import config
from .database import new_session
from .models import ApiKey, now
from .problems import Refusal

api_key_header = APIKeyHeader(name="x-api-key", auto_error=False)


@dataclass(frozen=True)
class Caller:
    agency_id: UUID
    agency_name: str
    is_ground_handler: bool


remembered: dict[str, tuple[float, Caller]] = {}


async def get_caller(key: Annotated[str | None, Security(api_key_header)]) -> Caller:
    if key is None:
        raise Refusal(403, "forbidden", "Forbidden")
    read_at, caller = remembered.get(key, (0.0, None))
    if caller is None or time.monotonic() - read_at > config.KEY_CACHE_SECONDS:
        caller = await look_up(key)
        remembered[key] = (time.monotonic(), caller)
    return caller


async def look_up(key: str) -> Caller:
    """Return the agency of a key. In a session of its own, so that a remembered key opens none."""
    digest = hashlib.sha256(key.encode()).digest()
    query = select(ApiKey).where(ApiKey.digest == digest).options(joinedload(ApiKey.agency, innerjoin=True))
    async with new_session() as session:
        found = await session.scalar(query)
    is_good = found and found.revoked_at is None and (found.expires_at is None or found.expires_at > now())
    if not is_good or not found.agency.is_active:
        raise Refusal(403, "forbidden", "Forbidden")
    return Caller(found.agency_id, found.agency.name, found.agency.is_ground_handler)


CurrentCaller = Annotated[Caller, Depends(get_caller)]
