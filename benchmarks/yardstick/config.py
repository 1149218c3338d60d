"""What the environment says, and the terms of business that SkyBridge has as settings."""

import os
from datetime import timedelta

DATABASE_URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://", 1)
POOL_SIZE = int(os.environ.get("DATABASE_POOL_SIZE", "10"))
COUNTS_STATEMENTS = os.environ.get("BENCH_COUNT") == "1"

KEY_CACHE_SECONDS = 5
HOLD_DURATION = timedelta(minutes=20)
SALES_CLOSE_BEFORE_DEPARTURE = timedelta(minutes=60)
BOARDING_OPENS = timedelta(minutes=60)
BOARDING_CLOSES = timedelta(minutes=15)
ACCOUNTING_CODE = "000"
CURRENCY = "USD"
EXECUTION_ARN_PREFIX = "arn:aws:states:us-east-1:123456789012:execution:OrderProcessingStateMachine:"
