"""Agencies with their keys, accounts and the ledger."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, now


class Agency(Base):
    __tablename__ = "partners_agency"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    plan_id: Mapped[int]
    is_active: Mapped[bool]
    is_ground_handler: Mapped[bool]
    created_at: Mapped[datetime]


class ApiKey(Base):
    __tablename__ = "partners_apikey"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("partners_agency.id"))
    digest: Mapped[bytes]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    agency: Mapped[Agency] = relationship(lazy="raise")


class Account(Base):
    __tablename__ = "partners_account"

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    agency_id: Mapped[UUID | None] = mapped_column(ForeignKey("partners_agency.id"))
    customer_id: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    balance: Mapped[Decimal] = mapped_column(default=Decimal(0))
    credit_limit: Mapped[Decimal | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class LedgerEntry(Base):
    __tablename__ = "partners_ledgerentry"

    id: Mapped[int] = mapped_column(primary_key=True)
    posting_id: Mapped[UUID]
    at: Mapped[datetime]
    kind: Mapped[str]
    account_id: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    order_id: Mapped[UUID | None]
    reference: Mapped[str] = mapped_column(default="")
