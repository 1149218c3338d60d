"""How often somebody may call: a token bucket and a quota, counted in Valkey for all processes together.

An agency's keys share one bucket, so that two live keys during a rotation do not double its rate; a traveller has one
by user id, and staff and agents one per person. One script counts a call in one round trip, by Valkey's own clock: it
is exact at any parallelism. A refused call takes nothing. A bucket's key expires when it is full again and its
quota's period (the UTC day or month) is over.

When Valkey does not answer, calls still work: each process counts on its own with the same plan (quotas begin at
zero), and one call a second asks Valkey again. So n processes together let n times the plan through until Valkey is
back, and nothing of what was let through is counted afterwards.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from rest_framework.throttling import BaseThrottle

from partners import buckets
from partners.callers import Caller
from skybridge.exceptions import QuotaExceeded, RateExceeded


@dataclass(frozen=True, slots=True)
class Policy:
    """A plan's terms in the words of the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""

    name: str
    header: str


class PlanThrottle(BaseThrottle):
    """Count the call against its caller's plan, and say in the answer's headers what is left."""

    def allow_request(self, request, view) -> bool:
        """Let the call through. Raises RateExceeded or QuotaExceeded, with `Retry-After`."""
        caller = request.user
        if not isinstance(caller, Caller):
            return True
        count = buckets.take(f"throttle:{caller.kind}:{caller.id}", caller.plan)
        request.rate_limit_headers = headers_for(caller.plan, count)
        if count.verdict == buckets.ADMITTED:
            return True
        refusal = QuotaExceeded if count.verdict == buckets.QUOTA_EXCEEDED else RateExceeded
        raise refusal(headers={"Retry-After": str(max(1, count.retry_after))})


def headers_for(plan: tuple, count: buckets.Count) -> dict[str, str]:
    policy = policy_of(plan, count.period_seconds)
    left = f"{policy.name};r={count.left};t={max(1, count.full_in)}"
    if count.quota_left is not None:
        left += f', "{plan[4]}";r={count.quota_left};t={max(1, count.period_ends_in)}'
    return {"RateLimit-Policy": policy.header, "RateLimit": left}


@lru_cache(maxsize=1024)
def policy_of(plan: tuple, period_seconds: int) -> Policy:
    name, rate, burst, quota, period = plan
    quoted = quoted_string(name)
    header = f"{quoted};q={burst};w={max(1, math.ceil(burst / rate))}"
    if quota is not None:
        header += f', "{period}";q={quota};w={period_seconds}'
    return Policy(quoted, header)


def quoted_string(text: str) -> str:
    """Return a structured field string (RFC 9651): printable ASCII, quoted."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
