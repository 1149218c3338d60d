"""Tickets with their coupons and EMDs, and what departure control keeps: check-in, bags, boarding passes, scans."""

from ticketing.models.departures import Bag, BagTagSeries, BoardingPass, Departure, Scan, TravelDocument
from ticketing.models.tickets import Coupon, CouponQuerySet, Emd, PassengerType, Ticket, takes_seat

__all__ = [
    "Bag",
    "BagTagSeries",
    "BoardingPass",
    "Coupon",
    "CouponQuerySet",
    "Departure",
    "Emd",
    "PassengerType",
    "Scan",
    "Ticket",
    "TravelDocument",
    "takes_seat",
]
