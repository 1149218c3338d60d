"""Bodies that do not come whole: nothing happens, nothing is kept, and the whole one is taken afterwards."""

import json
import socket
import time

import pytest

from bookings.models import Booking
from skybridge.models import IdempotencyKey
from tests.concurrency.racing import HttpApi

BODY = json.dumps({"user_id": "ada"}).encode()


def send(partner: HttpApi, *pieces: bytes, **headers: str) -> tuple[int, dict]:
    """Send a POST piece by piece, and nothing afterwards; return the status and what the answer says."""
    named = {"Host": f"127.0.0.1:{partner.port}", "Content-Type": "application/json", **partner.headers}
    named |= {name.replace("_", "-"): value for name, value in headers.items()} | {"Connection": "close"}
    lines = ["POST /api/v1/bookings HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    with socket.create_connection(("127.0.0.1", partner.port), timeout=10) as link:
        link.sendall("\r\n".join(lines).encode())
        for piece in pieces:
            link.sendall(piece)
            time.sleep(0.1)
        link.shutdown(socket.SHUT_WR)
        head, _, content = link.makefile("rb").read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


@pytest.mark.parametrize("pieces", [(), (BODY[:5],), (BODY,)], ids=["nothing", "a part", "a whole one, but shorter"])
def test_a_body_that_breaks_off(partner, pieces):
    status, answer = send(partner, *pieces, Content_Length="99", Idempotency_Key="once")
    assert (status, answer["code"]) == (400, "incomplete_body")
    assert (Booking.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    assert partner.post("/api/v1/bookings", json.loads(BODY), Idempotency_Key="once").status_code == 201


def test_a_body_that_comes_slowly(partner):
    status, answer = send(partner, BODY[:5], BODY[5:9], BODY[9:], Content_Length=str(len(BODY)))
    assert (status, answer["user_id"]) == (201, "ada")


def test_a_body_in_chunks(partner):
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    status, answer = send(partner, chunks, Transfer_Encoding="chunked")
    assert (status, answer["code"]) == (411, "length_required")
    assert not Booking.objects.exists()
