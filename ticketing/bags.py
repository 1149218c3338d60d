"""Checked bags: how many, how heavy, and their tags. On locked coupons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from skybridge.events import Actor, Happening, record
from ticketing.exceptions import BagNotPaid, BagTooHeavy
from ticketing.models import Bag, Coupon, Emd

BAGGAGE = "C"
NOT_CHECKED = ("0BT",)  # a pet in the cabin
NO_SHOW = "no-show"  # why a close-out removes bags
LAST_SERIAL = 999_999
# Source: IATA Resolution 740: ten digits, the first 0 for a usual tag, then the airline's code and a serial number.
USUAL_TAG = "0"
DRAW = f"""
INSERT INTO ticketing_bagtagseries AS s (accounting_code, last_serial) VALUES (%(code)s, %(count)s)
ON CONFLICT (accounting_code) DO UPDATE
SET last_serial = (s.last_serial + %(count)s - 1) %% {LAST_SERIAL} + 1
RETURNING last_serial
"""


def check_bags(coupon: Coupon, weights: Sequence[Decimal], *, present: int, paid: int) -> None:
    """Refuse bags that are too heavy, or more than a coupon includes. Raises BagTooHeavy or BagNotPaid."""
    where: dict = {"ticket_id": coupon.ticket_id, "event_id": coupon.flight_id}
    if any(weight > settings.MAX_BAG_KG for weight in weights):
        raise BagTooHeavy(max_kg=settings.MAX_BAG_KG, **where)
    allowed = included(coupon.takes_seat, paid)
    if weights and present + len(weights) > allowed:
        raise BagNotPaid(bags_allowed=allowed, bags_checked=present, **where)


def included(takes_seat: bool, paid: int) -> int:
    """Return how many bags a coupon includes, those that its EMDs have paid for among them."""
    return paid + (settings.FREE_CHECKED_BAGS if takes_seat else 0)


def add_bags(wanted: Mapping[Coupon, Sequence[Decimal]], *, actor: Actor, at: datetime) -> list[Bag]:
    """Check bags in, by their weight in kg, each with the next tag of its airline. The coupons have their flights.

    Six statements for one airline. Raises BagTooHeavy or BagNotPaid.
    """
    wanted = {coupon: weights for coupon, weights in wanted.items() if weights}
    if not wanted:
        return []
    present, paid = bags_present(wanted), bags_paid(wanted)
    for coupon, weights in wanted.items():
        check_bags(coupon, weights, present=present.get(coupon.pk, 0), paid=paid.get(coupon.pk, 0))
    tags = draw_tags(Counter(code for coupon, weights in wanted.items() for code in [tag_code(coupon)] * len(weights)))
    bags = Bag.objects.bulk_create(
        Bag(coupon=coupon, tag_number=tags[tag_code(coupon)].pop(0), weight_kg=weight, checked_at=at)
        for coupon, weights in wanted.items()
        for weight in weights
    )
    record([Happening("bag.checked", bag.pk, None, facts_of(bag)) for bag in bags], actor=actor, at=at)
    return bags


def facts_of(bag: Bag) -> dict:
    return {"tag_number": bag.tag_number, "weight_kg": str(bag.weight_kg)}


def bags_present(coupons: Iterable[Coupon]) -> dict[UUID, int]:
    """Count the checked bags of coupons."""
    found = checked_bags(coupon.pk for coupon in coupons).values_list("coupon_id")
    return dict(found.annotate(count=Count("pk")).order_by())


def bags_paid(coupons: Iterable[Coupon]) -> dict[UUID, int]:
    """Count the bags that issued EMDs of coupons are for."""
    return bags_bought(coupon.pk for coupon in coupons)


def bags_bought(coupon_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Count the bags that issued EMDs of coupons, by their ids, are for. One statement."""
    emds = Emd.objects.filter(coupon__in=list(coupon_ids), rfic=BAGGAGE, number__isnull=False)
    found = emds.filter(status__in=Emd.LIVE).exclude(rfisc__in=NOT_CHECKED).values_list("coupon_id")
    return dict(found.annotate(count=Sum("quantity")).order_by())


def checked_bags(coupon_ids: Iterable[UUID]):
    return Bag.objects.filter(coupon__in=list(coupon_ids), status=Bag.Status.CHECKED)


def bags_of(coupon_ids: Iterable[UUID]) -> list[Bag]:
    """Return the checked bags of coupons, read with these, in order of their tags. One statement."""
    return list(checked_bags(coupon_ids).select_related("coupon").order_by("tag_number"))


def tag_code(coupon: Coupon) -> str:
    """Return the accounting code on the tags of a coupon's bags: that of the carrier that flies it."""
    assert coupon.flight is not None
    return coupon.flight.carrier.accounting_code or settings.ACCOUNTING_CODE


def draw_tags(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Return the next tag numbers by accounting code, consecutive ones; a run with a tag still in use is left out."""
    return {code: draw_run(code, counts[code]) for code in sorted(counts)}


def draw_run(code: str, count: int) -> list[str]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(DRAW, {"code": code, "count": count})
            [last] = cursor.fetchone()
        serials = [(last - count + place) % LAST_SERIAL + 1 for place in range(count)]
        tags = [f"{USUAL_TAG}{code}{serial:06}" for serial in serials]
        if not Bag.objects.filter(tag_number__in=tags, status=Bag.Status.CHECKED).exists():
            return tags


def remove_bags(bags: Sequence[Bag], *, actor: Actor, reason: str = "", at: datetime) -> None:
    """Take checked bags of locked coupons off again."""
    Bag.move_all(bags, Bag.Status.REMOVED, actor=actor, reason=reason, at=at)
