"""Boarding passes of a flight as its gate names them without a scanner: sequence number, seat, locator or name.

A gate's device also keeps the whole list, so that it knows who shows a pass while it has no connection.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from ticketing.models import BoardingPass, Coupon

is_sequence_number = re.compile(r"0*(\d{1,4})").fullmatch
is_seat = re.compile(r"0*([1-9]\d?[A-Z])").fullmatch
is_locator = re.compile(r"[A-Z0-9]{6}").fullmatch
ABOARD = (Coupon.Status.LIFTED, Coupon.Status.FLOWN)
COLUMNS = (
    "pk", "sequence_number", "seat", "coupon__ticket__surname", "coupon__ticket__given_name", "coupon__ticket__title",
    "coupon__ticket__booking__locator", "coupon__status", "coupon__boarded_at", "barcode",
)  # fmt: skip


class Pass(NamedTuple):
    """A good boarding pass and whose it is; an infant on a lap has no seat."""

    id: UUID
    sequence_number: int
    seat: str
    surname: str
    given_name: str
    title: str
    locator: str
    status: str
    boarded_at: datetime | None
    barcode: str

    @property
    def is_aboard(self) -> bool:
        return self.status in ABOARD

    @property
    def name(self) -> str:
        given = " ".join(filter(None, (self.given_name, self.title)))
        return ", ".join(filter(None, (self.surname, given)))


def passes_on(flight_id: UUID) -> list[Pass]:
    """Return the good passes of a flight by sequence number. One statement."""
    found = BoardingPass.objects.filter(flight=flight_id, ended_at=None, coupon__flight=flight_id)
    return [Pass._make(row) for row in found.order_by("sequence_number").values_list(*COLUMNS)]


def passes_meant(flight_id: UUID, text: str) -> list[Pass]:
    """Return the passes that somebody at the gate names: by number, seat or locator, else by surname."""
    code = "".join(text.split()).upper()
    if match := is_sequence_number(code):
        return where(flight_id, Q(sequence_number=int(match[1])))
    if match := is_seat(code):
        return where(flight_id, Q(seat=match[1]))
    found = where(flight_id, Q(coupon__ticket__booking__locator=code)) if is_locator(code) else []
    return found or (where(flight_id, Q(coupon__ticket__surname__istartswith=text.strip())) if text.strip() else [])


def where(flight_id: UUID, condition: Q) -> list[Pass]:
    found = BoardingPass.objects.filter(condition, flight=flight_id, ended_at=None, coupon__flight=flight_id)
    return [Pass._make(row) for row in found.order_by("sequence_number").values_list(*COLUMNS)[:20]]


def counts_of(passes: Sequence[Pass]) -> dict[str, int]:
    """Count who has checked in, and who of these is aboard."""
    return {"checked_in": len(passes), "boarded": sum(found.is_aboard for found in passes)}


def device_document(passes: Sequence[Pass]) -> dict[str, Any]:
    """Return what a gate's device keeps: enough to decide by itself, with the texts of the passes."""
    return {
        "counts": counts_of(passes),
        "passes": [
            {
                "sequence_number": found.sequence_number,
                "seat": found.seat or None,
                "name": found.name,
                "locator": found.locator,
                "is_aboard": found.is_aboard,
                "barcode": found.barcode,
            }
            for found in passes
        ],
    }
