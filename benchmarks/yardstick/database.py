"""The engine of a process, and a session for each request."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from . import config


def to_json(value: Any) -> str:
    return orjson.dumps(value, default=as_text).decode()


def as_text(value: Any) -> str:
    """Return the text of an amount or of bytes, as PostgreSQL reads it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


engine = create_async_engine(
    config.DATABASE_URL, pool_size=config.POOL_SIZE, json_serializer=to_json, json_deserializer=orjson.loads
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
