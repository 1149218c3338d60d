"""Backups: each version of an order is written down beside it, as a document that a worker stores later."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import inspect

from .models import Backup, Base, Order

PARTS = """
    plans agencies accounts airports carriers fares flights cabins departures disruptions products orders bookings items
    tickets coupons travel_documents emds boarding_passes scans bags disrupted_bookings seat_holds quotes order_quotes
    ledger payments refunds executions history events
"""


def backup_of(order: Order, at: datetime, **rows: Iterable[Base | None]) -> Backup:
    """Return the backup of an order's present version, with these rows by the names of its parts."""
    document = {part: [row_of(row) for row in rows.get(part, ()) if row is not None] for part in PARTS.split()}
    versions = {str(booking["id"]): booking["version"] for booking in document["bookings"]}
    covers = {"bookings": versions, "ledger": len(document["ledger"])}
    return Backup(stream=str(order.id), version=order.version, taken_at=at, document=document, covers=covers)


def row_of(row: Base) -> dict[str, Any]:
    return {name: getattr(row, name) for name in columns_of(type(row))}


@cache
def columns_of(model: type[Base]) -> list[str]:
    return [attribute.key for attribute in inspect(model).column_attrs if not attribute.deferred]
