"""Airports, fares, and dated flights with the seats of their cabins."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base


class Airport(Base):
    __tablename__ = "flights_airport"

    iata: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]
    timezone: Mapped[str]
    search_terms: Mapped[list[str]] = mapped_column(ARRAY(String(120)), deferred=True)

    @property
    def city_name(self) -> str:
        return self.city or self.name


class Carrier(Base):
    __tablename__ = "flights_carrier"

    iata: Mapped[str] = mapped_column(primary_key=True)
    accounting_code: Mapped[str]


class Fare(Base):
    __tablename__ = "flights_fare"

    id: Mapped[int] = mapped_column(primary_key=True)
    fare_basis: Mapped[str]
    currency: Mapped[str]
    base_amount: Mapped[Decimal]
    taxes: Mapped[list[dict[str, Any]]]
    total_amount: Mapped[Decimal]
    is_refundable: Mapped[bool]
    is_changeable: Mapped[bool]
    change_fee_amount: Mapped[Decimal]
    cancel_fee_amount: Mapped[Decimal]
    free_cancel_hours: Mapped[int]
    free_cancel_days_ahead: Mapped[int]
    void_same_day: Mapped[bool]

    @property
    def rules(self) -> dict[str, Any]:
        """Return the rules as a coupon keeps them; money is text."""
        return {
            "is_refundable": self.is_refundable,
            "is_changeable": self.is_changeable,
            "change_fee_amount": f"{self.change_fee_amount:.2f}",
            "cancel_fee_amount": f"{self.cancel_fee_amount:.2f}",
            "free_cancel_hours": self.free_cancel_hours,
            "free_cancel_days_ahead": self.free_cancel_days_ahead,
            "void_same_day": self.void_same_day,
        }


class Flight(Base):
    __tablename__ = "flights_flight"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    carrier_id: Mapped[str] = mapped_column(ForeignKey("flights_carrier.iata"))
    flight_number: Mapped[int]
    operational_suffix: Mapped[str]
    departure_date: Mapped[date]
    origin_id: Mapped[str] = mapped_column(ForeignKey("flights_airport.iata"))
    destination_id: Mapped[str] = mapped_column(ForeignKey("flights_airport.iata"))
    departs_at: Mapped[datetime]
    arrives_at: Mapped[datetime]
    aircraft_type: Mapped[str]
    registration: Mapped[str]
    status: Mapped[str]
    updated_at: Mapped[datetime]

    origin: Mapped[Airport] = relationship(foreign_keys=[origin_id], lazy="raise")
    destination: Mapped[Airport] = relationship(foreign_keys=[destination_id], lazy="raise")
    carrier: Mapped[Carrier] = relationship(lazy="raise")
    departure: Mapped["Departure | None"] = relationship(lazy="raise")

    @property
    def designator(self) -> str:
        return f"{self.carrier_id}{self.flight_number}{self.operational_suffix}"


class Departure(Base):
    """A flight at its airport."""

    __tablename__ = "ticketing_departure"

    flight_id: Mapped[UUID] = mapped_column(ForeignKey("flights_flight.id"), primary_key=True)
    last_sequence_number: Mapped[int]
    gate: Mapped[str]
    closed_at: Mapped[datetime | None]


class FlightCabin(Base):
    __tablename__ = "flights_flightcabin"

    id: Mapped[int] = mapped_column(primary_key=True)
    flight_id: Mapped[UUID] = mapped_column(ForeignKey("flights_flight.id"))
    cabin: Mapped[str]
    fare_id: Mapped[int] = mapped_column(ForeignKey("flights_fare.id"))
    capacity: Mapped[int]
    sold: Mapped[int]
    held: Mapped[int]
    free: Mapped[int]
    on_sale: Mapped[bool]

    flight: Mapped[Flight] = relationship(lazy="raise")
    fare: Mapped[Fare] = relationship(lazy="raise")


class SeatHold(Base):
    __tablename__ = "flights_seathold"

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    flight_cabin_id: Mapped[int] = mapped_column(ForeignKey("flights_flightcabin.id"), primary_key=True)
    seats: Mapped[int]
    expires_at: Mapped[datetime]

    flight_cabin: Mapped[FlightCabin] = relationship(lazy="raise")
