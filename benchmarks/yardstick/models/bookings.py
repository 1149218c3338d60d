"""Bookings with their tickets and coupons."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, new_id
from .callers import Agency
from .flights import Flight

if TYPE_CHECKING:
    from .gates import BoardingPass, Scan


class Booking(Base):
    __tablename__ = "bookings_booking"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    locator: Mapped[str]
    status: Mapped[str]
    agency_id: Mapped[UUID | None] = mapped_column(ForeignKey("partners_agency.id"))
    user_id: Mapped[str]
    contact_email: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders_order.id"))
    seats: Mapped[int]
    expires_at: Mapped[datetime | None]
    currency: Mapped[str]
    total_amount: Mapped[Decimal]
    refunded_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    agency: Mapped[Agency | None] = relationship(lazy="raise")
    tickets: Mapped[list["Ticket"]] = relationship(back_populates="booking", order_by="Ticket.position", lazy="raise")

    def status_at(self, at: datetime) -> str:
        """Return the status at a moment: a hold is canceled at its deadline."""
        is_overdue = self.status == "pending" and self.expires_at is not None and self.expires_at <= at
        return "canceled" if is_overdue else self.status


class Ticket(Base):
    __tablename__ = "ticketing_ticket"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings_booking.id"))
    position: Mapped[int]
    passenger_type: Mapped[str] = mapped_column(default="ADT")
    surname: Mapped[str] = mapped_column(default="")
    given_name: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    birth_date: Mapped[date | None]
    number: Mapped[str | None]
    issued_at: Mapped[datetime | None]
    is_superseded: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    booking: Mapped[Booking] = relationship(back_populates="tickets", lazy="raise")
    coupons: Mapped[list["Coupon"]] = relationship(back_populates="ticket", order_by="Coupon.sequence", lazy="raise")


class Coupon(Base):
    __tablename__ = "ticketing_coupon"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticketing_ticket.id"))
    sequence: Mapped[int]
    flight_id: Mapped[UUID | None] = mapped_column(ForeignKey("flights_flight.id"))
    cabin: Mapped[str]
    status: Mapped[str]
    takes_seat: Mapped[bool] = mapped_column(default=True)
    fare_basis: Mapped[str]
    currency: Mapped[str]
    fare_amount: Mapped[Decimal]
    taxes: Mapped[list[dict[str, Any]]]
    total_amount: Mapped[Decimal]
    fare_rules: Mapped[dict[str, Any]]
    is_superseded: Mapped[bool] = mapped_column(default=False)
    seat: Mapped[str | None]
    checked_in_at: Mapped[datetime | None]
    boarded_at: Mapped[datetime | None]
    is_no_show: Mapped[bool] = mapped_column(default=False)

    ticket: Mapped[Ticket] = relationship(back_populates="coupons", lazy="raise")
    flight: Mapped[Flight | None] = relationship(lazy="raise")
    boarding_passes: Mapped[list["BoardingPass"]] = relationship(
        back_populates="coupon", order_by="BoardingPass.id", lazy="raise"
    )
    scans: Mapped[list["Scan"]] = relationship(order_by="Scan.id", lazy="raise")
