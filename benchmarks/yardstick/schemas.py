"""What calls take and answer: pydantic models, with SkyBridge's names."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

Cabin = Literal["F", "J", "W", "Y"]


class BookFlightIn(BaseModel):
    userId: str = Field(max_length=255)
    flightId: str = Field(max_length=8)
    seats: int = Field(ge=1, le=9)
    departureDate: date
    origin: str = Field("", max_length=3)
    cabin: Cabin = "Y"


class FlightOut(BaseModel):
    event_id: UUID
    flightId: str
    carrier: str
    flight_number: int
    departureDate: date
    departureCity: str
    destinationCity: str
    origin: str
    destination: str
    departureTime: datetime
    arrivalTime: datetime
    duration_minutes: int
    aircraft_type: str
    status: str


class OfferOut(FlightOut):
    cabin: str
    seatAvailability: int
    price: float
    currency: str
    fare_basis: str


class TaxOut(BaseModel):
    code: str
    amount: float
    refundable: bool


class FareRulesOut(BaseModel):
    is_refundable: bool
    is_changeable: bool
    change_fee_amount: float
    cancel_fee_amount: float
    free_cancel_hours: int
    free_cancel_days_ahead: int
    void_same_day: bool
    involuntary_until: datetime | None = None


class CouponOut(BaseModel):
    coupon_id: UUID
    sequence: int
    event_id: UUID | None
    flightId: str | None
    departureDate: date | None
    cabin: str
    status: str
    seat: str | None
    checked_in_at: datetime | None
    boarded_at: datetime | None
    is_no_show: bool
    fare_basis: str
    fare_amount: float
    taxes: list[TaxOut]
    total_amount: float
    currency: str
    fare_rules: FareRulesOut


class TicketOut(BaseModel):
    ticket_id: UUID
    booking_id: UUID
    number: str | None
    displayed_number: str | None
    check_digit: int | None
    status: str
    passenger_type: str
    surname: str
    given_name: str
    title: str
    birth_date: date | None
    issued_at: datetime | None
    created_at: datetime
    coupons: list[CouponOut]


class ContactOut(BaseModel):
    email: str
    phone: str


class PriceLineOut(BaseModel):
    code: str
    amount: float
    currency: str


class BookingOut(BaseModel):
    booking_id: UUID
    bookingId: UUID
    record_locator: str
    status: str
    booking_status: str
    agency: str | None
    user_id: str
    userId: str
    contact: ContactOut
    order_id: UUID | None
    event_id: UUID | None
    seats: int
    ticket_quantity: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    total_amount: float
    refunded_amount: float
    currency: str
    price_lines: list[PriceLineOut]
    flights: list[FlightOut]
    tickets: list[TicketOut]
    available_actions: list[str]


class MessageBookingOut(BookingOut):
    message: str


class NewItemIn(BaseModel):
    product_id: str = Field(max_length=50)
    quantity: int = Field(ge=1, le=10_000)


class NewOrderIn(BaseModel):
    customer_id: str = Field(max_length=255)
    items: list[NewItemIn] = Field(min_length=1, max_length=100)


class CreatedOrderOut(BaseModel):
    message: str
    order_id: UUID
    execution_arn: str
    note: str
    status: str
    total_amount: float
    currency: str


class OrderLineOut(BaseModel):
    order_id: UUID = Field(validation_alias="id")
    customer_id: str
    total_amount: float
    refunded_amount: float
    currency: str
    status: str
    created_at: datetime
    updated_at: datetime


class PaginationOut(BaseModel):
    page: int
    limit: int
    total: int
    pages: int


class OrderPageOut(BaseModel):
    orders: list[OrderLineOut]
    pagination: PaginationOut


class ScanIn(BaseModel):
    barcode: str = Field(max_length=1000)
    nonce: str = Field(max_length=64)
    device_id: str = Field("", max_length=64)


class ScannedPassengerOut(BaseModel):
    surname: str
    given_name: str
    title: str
    passenger_type: str
    ticket_number: str | None


class GateFlightOut(BaseModel):
    event_id: UUID
    flightId: str
    departureDate: date
    origin: str
    destination: str
    departs_at: datetime
    status: str
    gate: str | None
    boarding_opens_at: datetime
    boarding_closes_at: datetime
    closed_at: datetime | None


class ScanOut(BaseModel):
    scan_id: UUID
    result: str
    reason: str | None
    message: str
    passenger: ScannedPassengerOut | None = None
    record_locator: str | None = None
    flight: GateFlightOut | None = None
    cabin: str | None = None
    seat: str | None = None
    sequence_number: int | None = None
    coupon_id: UUID | None = None
    boarded_at: datetime | None
    opens_at: datetime | None
    closed_at: datetime | None
    scanned_at: datetime
    nonce: str
    device_id: str
    device_result: None = None
    received_at: datetime
    is_conflict: bool = False
    conflict: None = None
    replayed: bool = False
