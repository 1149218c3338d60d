"""Load from one thread over many connections: as fast as the server answers, or at moments that are fixed beforehand.

Requests are bytes made beforehand and answers are hardly looked at, so that the client takes little of the processors
that it shares with the server; what it takes is measured too.
"""

import random
import re
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

length_of = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search
PATIENCE_SECONDS = 30


@dataclass
class Sample:
    """What came of some requests; times in seconds."""

    times: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    seconds: float = 0
    client_cpu: float = 0

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds if self.seconds else 0


class Line:
    """One connection that is kept alive; an answer comes in pieces."""

    __slots__ = ("begun", "missing", "received", "socket")

    def __init__(self, address: tuple[str, int]):
        self.socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received, self.missing, self.begun = b"", -1, 0.0

    def send(self, request: bytes, begun: float) -> None:
        self.begun, self.received, self.missing = begun, b"", -1
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what has come, and tell whether the answer is complete."""
        if not (chunk := self.socket.recv(65_536)):
            raise ConnectionError("The server closed a connection.")
        if self.missing >= 0:
            self.missing -= len(chunk)
            return self.missing <= 0
        self.received += chunk
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not (length := length_of(self.received, 0, end)):
            raise ConnectionError(f"An answer without length: {self.received[:200]!r}")
        self.missing = int(length[1]) - (len(self.received) - end - 4)
        return self.missing <= 0

    @property
    def status(self) -> int:
        return int(self.received[9:12])


class Flow:
    """Lines to one server, opened for one round."""

    def __init__(self, address: tuple[str, int], connections: int):
        self.lines = [Line(address) for _ in range(connections)]

    def __enter__(self) -> "Flow":
        return self

    def __exit__(self, *_) -> None:
        for line in self.lines:
            line.socket.close()

    def saturate(self, requests: Iterator[bytes], seconds: float) -> Sample:
        """Keep every line busy for so long, or until the requests are used up."""
        sample, cpu, begun = Sample(), time.process_time(), time.perf_counter()
        end, poll, busy = begun + seconds, select.epoll(), 0
        by_number = {line.socket.fileno(): line for line in self.lines}
        for number, line in by_number.items():
            if request := next(requests, None):
                line.send(request, time.perf_counter())
                poll.register(number, select.EPOLLIN)
                busy += 1
        while busy:
            ready = poll.poll(PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError("The server does not answer.")
            for number, _ in ready:
                line = by_number[number]
                if not line.receive():
                    continue
                now = time.perf_counter()
                sample.times.append(now - line.begun)
                sample.statuses[line.status] += 1
                request = next(requests, None) if now < end else None
                if request:
                    line.send(request, now)
                else:
                    poll.unregister(number)
                    busy -= 1
        sample.seconds, sample.client_cpu = time.perf_counter() - begun, time.process_time() - cpu
        poll.close()
        return sample

    def keep_pace(self, requests: Iterator[bytes], rate: float, seconds: float) -> Sample:
        """Send at random moments fixed beforehand, whatever is answered; times count from those moments."""
        sample, cpu, begun = Sample(), time.process_time(), time.perf_counter()
        moments = deque(begun + moment for moment in arrivals(rate, seconds))
        idle = deque(self.lines)  # in turns, so that all workers of a server get their share
        busy: dict[socket.socket, Line] = {}
        while moments or busy:
            now = time.perf_counter()
            while idle and moments and moments[0] <= now:
                if (request := next(requests, None)) is None:
                    moments.clear()
                    break
                line = idle.popleft()
                line.send(request, moments.popleft())
                busy[line.socket] = line
            wait = max(0.0, moments[0] - time.perf_counter()) if idle and moments else PATIENCE_SECONDS
            ready, _, _ = select.select(list(busy), [], [], wait)
            if not ready and wait == PATIENCE_SECONDS and busy:
                raise TimeoutError("The server does not answer.")
            for one in ready:
                line = busy[one]
                if line.receive():
                    sample.times.append(time.perf_counter() - line.begun)
                    sample.statuses[line.status] += 1
                    idle.append(busy.pop(one))
        sample.seconds, sample.client_cpu = time.perf_counter() - begun, time.process_time() - cpu
        return sample


def arrivals(rate: float, seconds: float) -> Iterator[float]:
    """Yield the moments of a Poisson process, the same ones at each call."""
    dice, moment = random.Random(1), 0.0
    while (moment := moment + dice.expovariate(rate)) < seconds:
        yield moment
