"""Products, orders with their items and executions, and the backups that wait to be stored."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, new_id


class Product(Base):
    __tablename__ = "orders_product"

    product_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    category: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str]
    stock: Mapped[int]
    on_sale: Mapped[bool]
    rfic: Mapped[str]
    rfisc: Mapped[str]


class Order(Base):
    __tablename__ = "orders_order"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    agency_id: Mapped[UUID | None] = mapped_column(ForeignKey("partners_agency.id"))
    customer_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    currency: Mapped[str]
    total_amount: Mapped[Decimal]
    refunded_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    payment_method: Mapped[str] = mapped_column(default="account")
    contact_email: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    lapses_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    items: Mapped[list["OrderItem"]] = relationship(back_populates="order", order_by="OrderItem.position", lazy="raise")
    execution: Mapped["Execution"] = relationship(back_populates="order", lazy="raise")


class OrderItem(Base):
    __tablename__ = "orders_orderitem"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id"))
    position: Mapped[int]
    product_id: Mapped[str | None] = mapped_column(ForeignKey("orders_product.product_id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings_booking.id"))
    is_change: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    price: Mapped[Decimal]

    order: Mapped[Order] = relationship(back_populates="items", lazy="raise")
    product: Mapped[Product | None] = relationship(lazy="raise")


class Execution(Base):
    __tablename__ = "orders_execution"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders_order.id"), primary_key=True)
    status: Mapped[str] = mapped_column(default="RUNNING")
    state: Mapped[str] = mapped_column(default="TakePayment")
    attempt: Mapped[int] = mapped_column(default=0)
    losses: Mapped[int] = mapped_column(default=0)
    attempt_started_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    redrive_count: Mapped[int] = mapped_column(default=0)
    redriven_at: Mapped[datetime | None]
    last_event_id: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(back_populates="execution", lazy="raise")
    history: Mapped[list["ExecutionEvent"]] = relationship(order_by="ExecutionEvent.event_id", lazy="raise")


class ExecutionEvent(Base):
    __tablename__ = "orders_executionevent"

    execution_id: Mapped[UUID] = mapped_column(ForeignKey("orders_execution.order_id"), primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Backup(Base):
    __tablename__ = "orders_backup"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="order")
    stream: Mapped[str]
    version: Mapped[int]
    taken_at: Mapped[datetime]
    document: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    covers: Mapped[dict[str, Any]]
    key: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(default="")
    stored_at: Mapped[datetime | None]
    store_version: Mapped[str] = mapped_column(default="")
