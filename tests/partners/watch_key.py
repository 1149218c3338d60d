"""Show a key over and over in a process of its own: prints `in`, and the time of the first refusal."""

import sys
import time

import django

django.setup()

from partners.keys import caller_with  # noqa: E402

key, deadline = sys.argv[1], time.monotonic() + 30
assert caller_with(key)
print("in", flush=True)
while caller_with(key) and time.monotonic() < deadline:
    time.sleep(0.02)
print(time.time())
