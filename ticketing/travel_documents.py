"""Travel documents: passports and identity cards, sealed as soon as they come in and shown masked ever after.

What is sealed (`skybridge/sealing.py`) is JSON that names its ticket, so that it is worth nothing beside another one.
Documents are deleted some days after the last flight.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce

from flights.borders import is_international
from flights.localtime import zone
from skybridge import sealing
from skybridge.events import Actor, Happening, record
from ticketing.exceptions import DocumentExpired, DocumentNeeded
from ticketing.models import Coupon, TravelDocument

BATCH = 1_000


class DocumentType(models.TextChoices):
    """Source: ICAO Doc 9303, first letter of the machine readable zone."""

    PASSPORT = "P", "Passport"
    IDENTITY_CARD = "I", "Identity card"


@dataclass(frozen=True)
class Document:
    """What a document says; countries are ISO 3166 alpha-3, as in the document itself."""

    type: str
    number: str
    issuing_country: str
    nationality: str
    expiry_date: date
    gender: str = ""
    birth_date: date | None = None

    @property
    def masked(self) -> str:
        """Return what people are shown, such as `P USA ••••6789`: never more than half of the number."""
        shown = min(4, len(self.number) // 2)
        return f"{self.type} {self.issuing_country} ••••{self.number[-shown:]}"

    def __repr__(self) -> str:
        return f"<Document {self.masked}>"


def sealed(ticket_id: UUID, document: Document) -> str:
    text = json.dumps({"ticket_id": str(ticket_id), **asdict(document)}, default=str)
    return sealing.seal(text)


def unseal(kept: TravelDocument) -> Document:
    """Return what a sealed document says. Raises InvalidToken without its key, ValueError for another ticket's."""
    facts = json.loads(sealing.unseal(kept.sealed))
    if facts.pop("ticket_id") != str(kept.ticket_id):
        raise ValueError(f"the travel document of ticket {kept.ticket_id} belongs to another one")
    for name in ("expiry_date", "birth_date"):
        facts[name] = facts[name] and date.fromisoformat(facts[name])
    return Document(**facts)


def keep_documents(documents: Sequence[tuple[UUID, Document]], *, actor: Actor, at: datetime) -> None:
    """Keep the travel documents of tickets, in place of those that they had; two statements for any number."""
    if not documents:
        return
    TravelDocument.objects.bulk_create(
        [
            TravelDocument(
                ticket_id=ticket_id, sealed=sealed(ticket_id, document), masked=document.masked, updated_at=at
            )
            for ticket_id, document in documents
        ],
        update_conflicts=True,
        unique_fields=["ticket"],
        update_fields=["sealed", "masked", "updated_at"],
    )
    record(
        [Happening("ticket.travel_document_kept", ticket_id) for ticket_id, _ in documents], actor=actor, at=at
    )  # what it says is nobody's business


def check_documents(coupons: Iterable[Coupon]) -> None:
    """Refuse coupons of international flights whose tickets have no document, or one that ends before the arrival.

    One statement; none where all flights are domestic. Raises DocumentNeeded or DocumentExpired.
    """
    abroad = [k for k in coupons if k.flight and needs_document(k)]
    if not abroad:
        return
    kept = {found.ticket_id: found for found in TravelDocument.objects.filter(ticket__in={k.ticket_id for k in abroad})}
    for coupon in abroad:
        where: dict = {"ticket_id": coupon.ticket_id, "event_id": coupon.flight_id}
        if coupon.ticket_id not in kept:
            raise DocumentNeeded(**where)
        document = unseal(kept[coupon.ticket_id])
        if document.expiry_date < arrival_date(coupon):
            raise DocumentExpired(expiry_date=document.expiry_date, arrival_date=arrival_date(coupon), **where)


def needs_document(coupon: Coupon) -> bool:
    flight = coupon.flight
    return flight is not None and is_international(flight.origin.country, flight.destination.country)


def arrival_date(coupon: Coupon) -> date:
    """Return the local day on which a coupon's flight arrives."""
    assert coupon.flight is not None
    return coupon.flight.arrives_at.astimezone(zone(coupon.flight.destination.timezone)).date()


def delete_old_documents(*, at: datetime, actor: Actor) -> int:
    """Delete documents some days after the last flight of their ticket, or their coming in; return how many."""
    last_use = Coalesce(Max("ticket__coupons__flight__arrives_at"), F("updated_at"))
    old = TravelDocument.objects.annotate(last_use=last_use).filter(
        last_use__lte=at - settings.TRAVEL_DOCUMENT_LIFETIME
    )
    with transaction.atomic():
        ids = list(old.values_list("pk", flat=True)[:BATCH])
        deleted, _ = TravelDocument.objects.filter(pk__in=ids).delete()
        record([Happening("ticket.travel_document_deleted", pk) for pk in ids], actor=actor, at=at)
    return deleted
