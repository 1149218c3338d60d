"""Boarding passes, and the scans of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, new_id
from .bookings import Coupon
from .flights import Flight


class BoardingPass(Base):
    __tablename__ = "ticketing_boardingpass"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("ticketing_coupon.id"))
    flight_id: Mapped[UUID] = mapped_column(ForeignKey("flights_flight.id"))
    sequence_number: Mapped[int]
    seat: Mapped[str]
    barcode: Mapped[str]
    digest: Mapped[bytes]
    issued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str]

    coupon: Mapped[Coupon] = relationship(back_populates="boarding_passes", lazy="raise")
    flight: Mapped[Flight] = relationship(lazy="raise")


class Scan(Base):
    __tablename__ = "ticketing_scan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(default="board")
    flight_id: Mapped[UUID | None] = mapped_column(ForeignKey("flights_flight.id"))
    coupon_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticketing_coupon.id"))
    nonce: Mapped[str | None]
    barcode: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    is_conflict: Mapped[bool] = mapped_column(default=False)
    device_id: Mapped[str] = mapped_column(default="")
    scanned_at: Mapped[datetime]
    received_at: Mapped[datetime]
    answer: Mapped[dict[str, Any]]
    actor_kind: Mapped[str] = mapped_column(default="agency")
    actor_id: Mapped[str]
