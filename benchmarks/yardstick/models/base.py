"""What all tables share: the types of columns, identifiers, and now."""

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        Decimal: Numeric(14, 4),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


def new_id() -> UUID:
    """Return a version 7 UUID (RFC 9562)."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=value & ~(0x3 << 62) | (0x2 << 62))


def now() -> datetime:
    return datetime.now(UTC)
