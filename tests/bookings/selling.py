"""What tests of the pages that sell do and look at."""

import re
from datetime import date
from typing import Any

from django.test import Client

from tests.bookings.sales import query

HTML = {"Accept": "text/html"}
ADA = {"1-given_name": "Ada", "1-surname": "Lovelace", "1-title": "MS"}
CONTACT = {"email": "ada@example.com", "phone": "+1 212 555 0123", "customer": "C-7"}


def sale_path(out, back=None, **party: Any) -> str:
    asked = {"out": out.pk, **({"back": back.pk} if back else {}), **party}
    return "/sell/?" + "&".join(f"{name}={value}" for name, value in asked.items())


def send(client: Client, path: str, **fields: Any):
    return client.post(path, fields, headers=HTML)


def hold(client: Client, out, back=None, **fields: Any) -> str:
    """Hold seats for Ada by the page, and return the booking's id."""
    response = send(client, sale_path(out, back), **{**ADA, **CONTACT, **fields})
    assert response.status_code == 302, response.content.decode()
    [booking_id] = re.findall("/bookings/(.+)/extras/", response["Location"])
    return booking_id


def booking_row(booking_id: str) -> dict[str, Any]:
    names = ("status", "contact_email", "contact_phone", "user_id", "agency_id", "seats", "order_id")
    [row] = query(f"SELECT {', '.join(names)} FROM bookings_booking WHERE id = %s", booking_id)
    return dict(zip(names, row, strict=True))


def age(years: int) -> str:
    today = date.today()
    return f"{today.year - years}-01-01"
