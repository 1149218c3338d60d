"""Boarding passes: made of checked-in coupons, signed, ended; a pass is never changed and never deleted.

Its rows are their own history: when it was issued, when and why it ended.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from flights.localtime import zone
from ticketing import bcbp
from ticketing.bcbp import dates, values
from ticketing.bcbp.layout import Unencodable
from ticketing.exceptions import NameNotLatin
from ticketing.models import Bag, BoardingPass, Coupon, PassengerType, takes_seat
from ticketing.signatures import sign

# Source: IATA Resolution 792, code tables.
CHECKED_IN, CHECKED_IN_WITH_BAGS = "1", "3"
ADULT = "0"
DESCRIPTIONS = {PassengerType.CHILD: "3", PassengerType.INFANT: "4", PassengerType.INFANT_WITH_SEAT: "4"}
WEB = "W"
BOARDING_PASS = "B"
INFANT_SEAT = "INF"

BAG_TAGS = Bag.objects.filter(coupon=OuterRef("pk"), status=Bag.Status.CHECKED).order_by("tag_number")


def issue_pass(coupon: Coupon, *, sequence_number: int, at: datetime) -> BoardingPass | None:
    """Make the pass of one coupon; see `issue_passes`."""
    return next(iter(issue_passes([(coupon, sequence_number)], at=at)), None)


def issue_passes(numbered: Iterable[tuple[Coupon, int]], *, at: datetime) -> list[BoardingPass]:
    """Make the passes of coupons that have just been checked in, each under its sequence number.

    The coupons are locked, and written already: seat and checked bags are read from the database. One without a flight
    gets no pass. In primary key order of the coupons; two statements for any number. Raises NameNotLatin.
    """
    numbers = {coupon.pk: number for coupon, number in numbered}
    passes = [new_pass(coupon, numbers[coupon.pk], at) for coupon in printable(numbers)]
    return BoardingPass.objects.bulk_create(passes)


def printable(coupon_ids: Iterable[UUID]) -> Iterable[Coupon]:
    """Read coupons with all that is printed on a pass; `bag_tags` are those of the checked bags."""
    found = Coupon.objects.filter(pk__in=list(coupon_ids), flight__isnull=False).order_by("pk")
    related = found.select_related("ticket__booking", "flight__origin")
    return related.annotate(bag_tags=ArraySubquery(BAG_TAGS.values("tag_number")))


def new_pass(coupon, sequence_number: int, at: datetime) -> BoardingPass:
    """Return the pass of a coupon of `printable`, not written yet."""
    try:
        barcode = sign(printed(coupon, sequence_number, at))
    except Unencodable as refusal:
        if refusal.field != "passenger_name":
            raise
        raise NameNotLatin(ticket_id=coupon.ticket_id) from None
    return BoardingPass(
        coupon=coupon,
        flight_id=coupon.flight_id,
        sequence_number=sequence_number,
        seat=coupon.seat or "",
        barcode=barcode,
        digest=digest_of(barcode),
        issued_at=at,
    )


def digest_of(barcode: str) -> bytes:
    """Return what a pass is found by at the gate."""
    return sha256(barcode.encode()).digest()


def printed(coupon, sequence_number: int, at: datetime) -> bcbp.BoardingPass:
    """Return the unsigned pass of a coupon of `printable`."""
    ticket, flight = coupon.ticket, coupon.flight
    tags = [*islice(tag_runs(coupon.bag_tags), 3), None, None, None]
    # A flight is on the first such day on or after the date of issue, so that is the airport's, and never the later.
    issued = min(at.astimezone(zone(flight.origin.timezone)).date(), flight.departure_date)
    return bcbp.BoardingPass(
        passenger_name=values.passenger_name(ticket.surname, ticket.given_name, ticket.title),
        version="8",
        passenger_description=DESCRIPTIONS.get(ticket.passenger_type, ADULT),
        check_in_source=WEB,
        issuance_source=WEB,
        issue_day=dates.issue_day(issued),
        document_type=BOARDING_PASS,
        issuer=flight.carrier_id,
        bag_tag=tags[0],
        second_bag_tag=tags[1],
        third_bag_tag=tags[2],
        legs=(leg(coupon, sequence_number),),
    )


def leg(coupon, sequence_number: int) -> bcbp.Leg:
    ticket, flight = coupon.ticket, coupon.flight
    has_seat = takes_seat(ticket.passenger_type)
    return bcbp.Leg(
        record_locator=ticket.booking.locator,
        origin=flight.origin_id,
        destination=flight.destination_id,
        operating_carrier=flight.carrier_id,
        flight_number=values.flight_number(flight.flight_number, flight.operational_suffix),
        day_of_year=dates.day_of_year(flight.departure_date),
        compartment=coupon.cabin,
        seat=values.seat(coupon.seat or "") if has_seat else INFANT_SEAT,
        sequence_number=values.sequence_number(sequence_number),
        passenger_status=CHECKED_IN_WITH_BAGS if coupon.bag_tags else CHECKED_IN,
        accounting_code=(ticket.number or "")[:3],
        document_number=(ticket.number or "")[3:],
        marketing_carrier=flight.carrier_id,
        baggage_allowance=f"{min(settings.FREE_CHECKED_BAGS, 9) if has_seat else 0}PC",
    )


def tag_runs(tags: Sequence[str]) -> Iterator[str]:
    """Return sorted bag tags as the format has them: the first of a run, and how many there are."""
    start = 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or int(tags[end]) != int(tags[end - 1]) + 1:
            yield f"{tags[start]}{end - start:03}"
            start = end


def reissue_passes(coupons: Collection[Coupon], *, at: datetime) -> list[BoardingPass]:
    """Replace the live passes of locked coupons, under the same sequence numbers, by ones with seat and bags of now.

    A coupon without a live pass gets none. Four statements at most.
    """
    numbers = dict(live_passes([coupon.pk for coupon in coupons]).values_list("coupon_id", "sequence_number"))
    if not numbers:
        return []
    end_passes(numbers, BoardingPass.End.REISSUED, at=at)
    return issue_passes([(coupon, numbers[coupon.pk]) for coupon in coupons if coupon.pk in numbers], at=at)


def end_passes(coupon_ids: Iterable[UUID], reason: str, *, at: datetime) -> int:
    """End the live passes of locked coupons for a reason of `BoardingPass.End`; return how many there were."""
    return live_passes(coupon_ids).update(ended_at=at, end_reason=reason)


def live_passes(coupon_ids: Iterable[UUID]):
    return BoardingPass.objects.filter(coupon_id__in=list(coupon_ids), ended_at=None)


def live_pass(coupon_id: UUID) -> BoardingPass | None:
    """Return the pass of a coupon that is good, if there is one."""
    return live_passes([coupon_id]).first()


def readable():
    """Return a queryset of passes with all that is shown on them, for `faces`. One statement."""
    return BoardingPass.objects.select_related(
        "coupon__ticket", "flight__carrier", "flight__origin", "flight__destination", "flight__departure"
    )


def passes_of(coupon_ids: Iterable[UUID], *, with_ended: bool = False) -> list[BoardingPass]:
    """Return the passes of coupons in order of issue, those that are good unless wanted. One statement."""
    found = readable().filter(coupon_id__in=list(coupon_ids)).order_by("coupon__sequence", "pk")
    return list(found if with_ended else found.filter(ended_at=None))
