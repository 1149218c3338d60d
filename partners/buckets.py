"""The buckets that throttling takes from: in Valkey by one script, or in this process while Valkey is away."""

import calendar
import hashlib
import logging
import math
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import redis

from partners.caches import BoundedCache
from skybridge.exceptions import RateExceeded
from skybridge.valkey import valkey

logger = logging.getLogger(__name__)

ADMITTED, RATE_EXCEEDED, QUOTA_EXCEEDED = 0, 1, 2
MICRO = 1_000_000  # a bucket is kept in millionths of a token, so that everything is a whole number
ASK_AGAIN_AFTER = 1.0  # seconds that a Valkey that failed is left alone

# KEYS: the bucket, and the hour's refusals. ARGV: rate per second, burst, quota or -1, "day" or "month".
# Returns one text, which is cheaper to read than a list: verdict, whole tokens left, seconds to wait, seconds until
# full, calls used of the quota, seconds until the period ends, length of the period in seconds.
# A refused call takes nothing; an agency's is counted. Months by Howard Hinnant, "chrono-compatible low-level date
# algorithms".
SCRIPT = """
local clock = redis.call('TIME')
local second = tonumber(clock[1])
local now = second * 1000000 + tonumber(clock[2])
local rate, burst, quota = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000, tonumber(ARGV[3])

local day = math.floor(second / 86400)
local first, last = day, day + 1
if ARGV[4] == 'month' then
  local era = math.floor((day + 719468) / 146097)
  local doe = day + 719468 - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))  -- from 1 March
  local month = math.floor((5 * doy + 2) / 153)
  first = day - (doy - math.floor((153 * month + 2) / 5))
  local days = math.floor((153 * (month + 1) + 2) / 5) - math.floor((153 * month + 2) / 5)
  if month == 11 then  -- February: the year that begins on 1 March ends with it
    local year = yoe + 1
    days = (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28
  end
  last = first + days
end
local ends = last * 86400

local kept = redis.call('HMGET', KEYS[1], 'level', 'at', 'period', 'used')
local at = tonumber(kept[2]) or now
if at > now then  -- the clock was set back
  at = now
  redis.call('HSET', KEYS[1], 'at', string.format('%.0f', now))
end
local level = math.min(burst, (tonumber(kept[1]) or burst) + math.floor((now - at) * rate))
local used = tonumber(kept[3]) == first and tonumber(kept[4]) or 0

local verdict, wait = 0, 0
if quota >= 0 and used >= quota then
  verdict, wait = 2, ends - second
elseif level < 1000000 then
  verdict, wait = 1, math.ceil((1000000 - level) / rate / 1000000)
else
  level = level - 1000000
  used = used + 1
  redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'at', string.format('%.0f', now),
    'period', first, 'used', string.format('%.0f', used))
  local expires = second + math.ceil((burst - level) / rate / 1000000) + 1
  if quota >= 0 then expires = math.max(expires, ends) end
  redis.call('EXPIREAT', KEYS[1], string.format('%.0f', expires))
end
if verdict > 0 and string.sub(KEYS[1], 1, 16) == 'throttle:agency:' then
  if redis.call('ZINCRBY', KEYS[2], 1, KEYS[1]) == '1' then redis.call('EXPIRE', KEYS[2], 7200) end
end
local full_in = math.ceil((burst - level) / rate / 1000000)
return string.format('%d %.0f %.0f %.0f %.0f %d %d', verdict, math.floor(level / 1000000), wait, full_in, used,
  ends - second, (last - first) * 86400)
"""
SCRIPT_HASH = hashlib.sha1(SCRIPT.encode()).hexdigest()


class Count(NamedTuple):
    """What is left after a call; times are whole seconds, rounded up."""

    verdict: int
    left: int
    retry_after: int
    full_in: int
    quota_left: int | None
    period_ends_in: int
    period_seconds: int


Plan = tuple[str, float, int, int | None, str]  # name, rate per second, burst, quota or None, quota period


def take(name: str, plan: Plan) -> Count:
    """Take one token from a bucket, unless it or its quota is used up. One round trip; none while Valkey is away."""
    numbers = remote.take(name, plan) or local.take(name, plan)
    verdict, left, wait, full_in, used, ends_in, length = numbers
    quota_left = None if plan[3] is None else max(0, plan[3] - used)
    return Count(verdict, left, wait, full_in, quota_left, ends_in, length)


def require(name: str, plan: Plan) -> None:
    """Take one token from a bucket. Raises RateExceeded where there is none."""
    count = take(name, plan)
    if count.verdict != ADMITTED:
        raise RateExceeded(headers={"Retry-After": str(max(1, count.retry_after))})


@lru_cache(maxsize=1024)
def packed_terms(plan: Plan) -> bytes:
    """Return the script's arguments for a plan in Valkey's wire format."""
    _, rate, burst, quota, period = plan
    return b"".join(packed(text) for text in (repr(rate), str(burst), str(-1 if quota is None else quota), period))


def packed(text: str) -> bytes:
    encoded = text.encode()
    return b"$%d\r\n%b\r\n" % (len(encoded), encoded)


EVALSHA = b"*9\r\n" + packed("EVALSHA") + packed(SCRIPT_HASH) + packed("2")
EVAL = b"*9\r\n" + packed("EVAL") + packed(SCRIPT) + packed("2")


def refusals_key(second: float) -> str:
    """Return the name of the sorted set in which an hour's refused calls are counted by bucket."""
    return f"refusals:{int(second) // 3600}"


class Refusals(NamedTuple):
    """How many calls of an agency were refused in this hour and the one before."""

    agency_id: UUID
    calls: int


def left_in(name: str, plan: Plan, second: float) -> Count | None:
    """Return what a bucket has at a second; nothing is taken. One round trip; None while Valkey is away."""
    try:
        kept = valkey().hmget(name, "level", "at", "period", "used")
    except redis.RedisError:
        return None
    _, rate, burst, quota, period = plan
    full, now = burst * MICRO, int(second * MICRO)
    first, ends = period_at(second, period)
    at = min(now, int(kept[1] or now))
    level = min(full, int(kept[0] or full) + math.floor((now - at) * rate))
    used = int(kept[3] or 0) if kept[2] and int(kept[2]) * 86_400 == first else 0
    quota_left = None if quota is None else max(0, quota - used)
    full_in = math.ceil((full - level) / rate / MICRO)
    return Count(ADMITTED, level // MICRO, 0, full_in, quota_left, math.ceil(ends - second), ends - first)


def refused_calls(name: str, second: float) -> tuple[int, int] | None:
    """Return how many calls a bucket has refused in this hour, and in the one before. None while Valkey is away."""
    try:
        hours = valkey().pipeline(transaction=False)
        for hour in (second, second - 3600):
            hours.zscore(refusals_key(hour), name)
        now, before = hours.execute()
    except redis.RedisError:
        return None
    return int(now or 0), int(before or 0)


def most_refused(second: float, most: int) -> list[Refusals] | None:
    """Return the agencies whose calls were refused most often, that first. One round trip; None while Valkey is away.

    What a process counts on its own while Valkey is away is not among them.
    """
    try:
        hours = valkey().pipeline(transaction=False)
        for hour in (second, second - 3600):
            hours.zrevrange(refusals_key(hour), 0, most - 1, withscores=True)
        found = hours.execute()
    except redis.RedisError:
        return None
    calls: Counter[str] = Counter()
    for bucket, count in (pair for pairs in found for pair in pairs):
        calls[bucket.decode().rpartition(":")[2]] += int(count)
    return [Refusals(UUID(agency_id), count) for agency_id, count in calls.most_common(most)]


class RemoteBuckets:
    """The buckets in Valkey, over one connection per thread.

    A connection of its own costs a third of the shared client's time, and its requests are not tried again: during an
    outage no call waits twice.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start without connections, as a forked process must."""
        self.mine = threading.local()
        self.asking = threading.Lock()
        self.away_until = 0.0
        self.is_away = False

    def take(self, name: str, plan: Plan) -> list[int] | None:
        """Return the script's numbers, or None while Valkey is away."""
        if self.is_away and not self.may_ask_again():
            return None
        try:
            answer = self.run(packed(name) + packed(refusals_key(time.time())) + packed_terms(plan))
        except (redis.RedisError, OSError) as exc:
            self.note_failure(exc)
            return None
        if self.is_away:
            self.is_away = False
            logger.warning("valkey is back: calls are counted together again")
        return [int(number) for number in answer.split()]

    def may_ask_again(self) -> bool:
        with self.asking:
            now = time.monotonic()
            if now < self.away_until:
                return False
            self.away_until = now + ASK_AGAIN_AFTER
            return True

    def note_failure(self, exc: Exception) -> None:
        with self.asking:
            self.away_until = time.monotonic() + ASK_AGAIN_AFTER
            if not self.is_away:
                self.is_away = True
                logger.error("valkey does not answer, each process counts calls on its own: %s", exc)

    def run(self, arguments: bytes) -> bytes:
        """Run the script. A connection that has gone stale since its last use is replaced once."""
        connection = getattr(self.mine, "connection", None)
        if connection is not None:
            try:
                return ask(connection, arguments)
            except redis.ConnectionError:
                pass
        self.mine.connection = connection = new_connection()
        return ask(connection, arguments)


def new_connection():
    """Return a connection outside the client's pool, which lends each one for a single call and counts them."""
    pool = valkey().connection_pool
    return pool.connection_class(**pool.connection_kwargs)


def ask(connection, arguments: bytes) -> bytes:
    try:
        connection.send_packed_command([EVALSHA + arguments])
        try:
            return connection.read_response(disable_decoding=True)
        except redis.exceptions.NoScriptError:
            connection.send_packed_command([EVAL + arguments])
            return connection.read_response(disable_decoding=True)
    except BaseException:
        connection.disconnect()  # an answer that comes later must not be taken for the next one's
        raise


class LocalBuckets:
    """The same buckets in this process alone."""

    def __init__(self) -> None:
        self.kept: BoundedCache = BoundedCache(10_000)
        self.lock = threading.Lock()

    def take(self, name: str, plan: Plan) -> list[int]:
        """Return the numbers that the script would."""
        _, rate, burst, quota, period = plan
        full = burst * MICRO
        now, second = time.monotonic_ns() // 1000, time.time()
        first, ends = period_at(second, period)
        with self.lock:
            level, at, counted, used = self.kept.get(name, (full, now, first, 0))
            level = min(full, level + math.floor((now - at) * rate))
            used = used if counted == first else 0
            verdict, wait = ADMITTED, 0
            if quota is not None and used >= quota:
                verdict, wait = QUOTA_EXCEEDED, math.ceil(ends - second)
            elif level < MICRO:
                verdict, wait = RATE_EXCEEDED, math.ceil((MICRO - level) / rate / MICRO)
            else:
                level, used = level - MICRO, used + 1
                self.kept.put(name, (level, now, first, used))
        full_in = math.ceil((full - level) / rate / MICRO)
        return [verdict, level // MICRO, wait, full_in, used, math.ceil(ends - second), ends - first]


def period_at(second: float, period: str) -> tuple[int, int]:
    """Return the first second of the UTC day or month and of the next one."""
    day = datetime.fromtimestamp(second, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = 1
    if period == "month":
        day = day.replace(day=1)
        days = calendar.monthrange(day.year, day.month)[1]
    start = int(day.timestamp())
    return start, start + days * 86_400


remote = RemoteBuckets()
os.register_at_fork(after_in_child=remote.begin)
local = LocalBuckets()
