"""Call one bucket from many threads of this process, and print what was let through.

`hammer.py PROCESSES NAME SECONDS RATE BURST`: begins when that many processes are ready, and prints JSON: admitted,
refused, the first and the last moment. With `--careless` the bucket is read, compared and written back, as the script
in Valkey would do if it were not atomic.
"""

import json
import sys
import threading
import time

from partners import buckets
from skybridge.valkey import valkey

THREADS = 6


def careless(name: str, burst: int) -> bool:
    used = int(valkey().get(name) or 0)
    if used >= burst:
        return False
    valkey().set(name, used + 1)
    return True


def wait_for(processes: int) -> None:
    valkey().incr("ready")
    while int(valkey().get("ready") or 0) < processes:
        time.sleep(0.005)


def main(processes: str, name: str, seconds: str, rate: str, burst: str, *flags: str) -> None:
    plan = ("plan", float(rate), int(burst), None, "day")
    wait_for(int(processes))
    begins, verdicts, lock = time.time(), [], threading.Lock()

    def run():
        mine = []
        while time.time() < begins + float(seconds):
            admitted = careless(name, int(burst)) if flags else buckets.take(name, plan).verdict == buckets.ADMITTED
            mine.append(admitted)
        with lock:
            verdicts.extend(mine)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    admitted = sum(verdicts)
    facts = {"admitted": admitted, "refused": len(verdicts) - admitted, "begins": begins, "ends": time.time()}
    print(json.dumps(facts | {"is_away": buckets.remote.is_away}))


main(*sys.argv[1:])
