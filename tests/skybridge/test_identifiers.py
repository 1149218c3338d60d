"""Identifiers: sorted by time, and never the same twice, in threads and in processes that are forked."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from skybridge.identifiers import FETCHED, random_number, randomness, uuid7


def test_an_identifier_is_a_uuid_of_version_7():
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_later_ones_sort_behind(monkeypatch):
    now = 1_800_000_000_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: now)
    first = uuid7()
    now += 1_000_000
    assert first < uuid7()


def test_threads_make_different_ones():
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: uuid7(), range(4 * FETCHED)))
    assert len(set(made)) == len(made)


def test_a_forked_process_makes_different_ones():
    def of_child() -> str:
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.write(writing, randomness.take(16).hex().encode())
            os._exit(0)
        os.waitpid(child, 0)
        return os.read(reading, 32).decode()

    with ThreadPoolExecutor(1) as other_thread:
        for submit in (lambda act: act(), lambda act: other_thread.submit(act).result()):
            submit(lambda: randomness.take(16))
            drawn = [submit(of_child), submit(of_child), submit(lambda: randomness.take(16).hex())]
            assert len(set(drawn)) == 3


def test_a_random_number_is_any_of_them():
    drawn = Counter(random_number(3) for _ in range(3000))
    assert set(drawn) == {0, 1, 2}
    assert min(drawn.values()) > 800
