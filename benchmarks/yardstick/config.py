"""What the environment says: the database, and the terms of business under SkyBridge's names for them."""

import os
from datetime import timedelta


def minutes(name: str, default: int) -> timedelta:
    return timedelta(minutes=int(os.environ.get(name, default)))


DATABASE_URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://", 1)
POOL_SIZE = int(os.environ.get("DATABASE_POOL_SIZE", "10"))
COUNTS_STATEMENTS = os.environ.get("BENCH_COUNT") == "1"

KEY_CACHE_SECONDS = 5
HOLD_DURATION = minutes("HOLD_MINUTES", 20)
SALES_CLOSE_BEFORE_DEPARTURE = minutes("SALES_CLOSE_MINUTES", 60)
BOARDING_OPENS = minutes("BOARDING_OPENS_MINUTES", 60)
BOARDING_CLOSES = minutes("BOARDING_CLOSES_MINUTES", 15)
ACCOUNTING_CODE = os.environ.get("ACCOUNTING_CODE", "000")
EXECUTION_ARN_PREFIX = "arn:aws:states:us-east-1:123456789012:execution:OrderProcessingStateMachine:"
