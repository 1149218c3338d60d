"""Boarding passes: what is printed, how they are replaced and ended, at what cost."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from tests import factories
from ticketing import bcbp, passes
from ticketing.bcbp import dates
from ticketing.exceptions import NameNotLatin
from ticketing.models import Bag, BoardingPass, Coupon, PassengerType, Ticket
from ticketing.signatures import Outcome, verify

AT = timezone.now


def checked_in(flight, *, seat: str | None = "12A", **ticket) -> Coupon:
    """Make a coupon as check-in leaves it, of a ticket of its own."""
    named = {"surname": "Lovelace", "given_name": "Ada", "title": "Ms", "number": "9991234567890", **ticket}
    issued = Ticket.objects.create(booking=factories.booking("confirmed"), position=1, **named)
    return Coupon.objects.create(
        ticket=issued, sequence=1, flight=flight, status="C", seat=seat, checked_in_at=AT(), currency="USD",
        fare_amount=0, total_amount=0, takes_seat=seat is not None,
    )  # fmt: skip


def read(boarding_pass: BoardingPass) -> bcbp.BoardingPass:
    assert verify(boarding_pass.barcode).outcome == Outcome.GOOD
    return bcbp.decode(boarding_pass.barcode)


def test_a_pass_says_who_flies_where(flight):
    coupon = checked_in(flight)
    made = read(passes.issue_pass(coupon, sequence_number=7, at=AT()))
    [leg] = made.legs
    assert made.passenger_name == "LOVELACE/ADA MS"
    assert leg[:3] == (coupon.ticket.booking.locator, "JFK", "LAX")
    assert leg[3:6] == ("FL", "0123", bcbp.day_of_year(flight.departure_date))
    assert leg[6:10] == ("Y", "012A", "0007", "1")
    assert (leg.accounting_code, leg.document_number, leg.baggage_allowance) == ("999", "1234567890", "1PC")
    assert (made.passenger_description, made.document_type, made.issuer, made.bag_tag) == ("0", "B", "FL", None)


def test_the_row_keeps_text_and_digest(flight):
    coupon = checked_in(flight)
    made = passes.issue_pass(coupon, sequence_number=7, at=AT())
    kept = passes.live_pass(coupon.pk)
    assert (kept.barcode, bytes(kept.digest)) == (made.barcode, passes.digest_of(made.barcode))
    assert (kept.sequence_number, kept.seat, kept.flight_id) == (7, "12A", flight.pk)


@pytest.mark.parametrize(
    ("passenger_type", "seat", "description", "shown"),
    [
        (PassengerType.CHILD, "12B", "3", "012B"),
        (PassengerType.INFANT, None, "4", "INF"),
        (PassengerType.INFANT_WITH_SEAT, "12C", "4", "012C"),
    ],
)
def test_children_and_infants(flight, passenger_type, seat, description, shown):
    coupon = checked_in(flight, seat=seat, passenger_type=passenger_type)
    made = read(passes.issue_pass(coupon, sequence_number=1, at=AT()))
    assert (made.passenger_description, made.legs[0].seat) == (description, shown)
    assert made.legs[0].baggage_allowance == ("0PC" if shown == "INF" else "1PC")


def test_bags_in_runs(flight):
    coupon = checked_in(flight)
    for serial, status in ((1, "checked"), (2, "checked"), (4, "checked"), (6, "removed")):
        Bag.objects.create(coupon=coupon, tag_number=f"0999{serial:06}", weight_kg=20, status=status)
    made = read(passes.issue_pass(coupon, sequence_number=1, at=AT()))
    assert (made.bag_tag, made.second_bag_tag, made.third_bag_tag) == ("0999000001002", "0999000004001", None)
    assert made.legs[0].passenger_status == "3"


def test_more_runs_of_bags_than_a_pass_has_room_for(flight):
    coupon = checked_in(flight)
    for serial in (1, 3, 5, 7):
        Bag.objects.create(coupon=coupon, tag_number=f"0999{serial:06}", weight_kg=20)
    assert read(passes.issue_pass(coupon, sequence_number=1, at=AT())).third_bag_tag == "0999000005001"


@pytest.mark.parametrize("late", [timedelta(hours=-20), timedelta(hours=-1), timedelta(hours=30)])
def test_the_date_of_issue_is_never_after_the_flight(db, late):
    """In Los Angeles it is yesterday still when London's calendar turns, and a delayed flight keeps its date."""
    flight = factories.flight("LAX", "JFK", departs_at=timezone.now().replace(hour=6) + timedelta(days=1))
    made = read(passes.issue_pass(checked_in(flight), sequence_number=1, at=flight.departs_at + late))
    issued = dates.issue_date(made.issue_day, reference=flight.departure_date)
    day = dates.flight_date(made.legs[0].day_of_year, reference=date.max, issued=issued)
    assert day == flight.departure_date


def test_letters_that_a_pass_does_not_have_are_refused(flight):
    coupon = checked_in(flight, surname="Λάβλεϊς")
    with pytest.raises(NameNotLatin) as refusal:
        passes.issue_pass(coupon, sequence_number=1, at=AT())
    assert refusal.value.details == {"ticket_id": coupon.ticket_id}
    assert not BoardingPass.objects.exists()


def test_an_open_coupon_gets_no_pass(db):
    assert passes.issue_pass(factories.coupon("C"), sequence_number=1, at=AT()) is None


def test_many_passes_cost_two_statements(flight, django_assert_num_queries):
    coupons = [checked_in(flight, seat=f"{row}A", number=f"{9990000000000 + row}") for row in range(1, 9)]
    with django_assert_num_queries(2):
        made = passes.issue_passes(zip(coupons, range(1, 9), strict=True), at=AT())
    assert [p.sequence_number for p in made] == list(range(1, 9))


def test_a_reissued_pass_keeps_its_number(flight, django_assert_num_queries):
    coupon, other = checked_in(flight), checked_in(flight, seat="13A", number="9991234567891")
    old = passes.issue_pass(coupon, sequence_number=7, at=AT())
    Coupon.objects.filter(pk=coupon.pk).update(seat="14F")
    at = AT()
    with django_assert_num_queries(4):
        [new] = passes.reissue_passes([coupon, other], at=at)
    old.refresh_from_db()
    assert (new.sequence_number, new.seat, read(new).legs[0].seat) == (7, "14F", "014F")
    assert (old.ended_at, old.end_reason) == (at, "reissued")
    assert passes.live_pass(other.pk) is None


def test_an_ended_pass_is_kept(flight):
    coupon = checked_in(flight)
    passes.issue_pass(coupon, sequence_number=7, at=AT())
    assert passes.end_passes([coupon.pk], BoardingPass.End.OFFLOADED, at=AT()) == 1
    assert passes.end_passes([coupon.pk], BoardingPass.End.NO_SHOW, at=AT()) == 0
    assert passes.live_pass(coupon.pk) is None
    assert BoardingPass.objects.get().end_reason == "offloaded"
    assert passes.reissue_passes([coupon], at=AT()) == []
