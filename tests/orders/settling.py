"""What tests of bookings on orders look at: the order that sells a booking, and what is owed for it."""

from decimal import Decimal

from partners.ledger import account_code
from partners.models import Account
from tests.orders import shop

FREE = {"sold": 0, "held": 0, "free": 100}


def read(api, booking: dict) -> dict:
    return api.get(f"/api/v1/bookings/{booking['booking_id']}").json()


def order_of(api, booking: dict) -> dict:
    """Return the order that sells a booking."""
    return shop.read(api, {"order_id": read(api, booking)["order_id"]})


def owed(api) -> Decimal:
    """Return what an agency's account owes by its entries, after checking that its balance says the same."""
    code = account_code(api.id, "", "USD")
    owed = shop.balance_of(code)
    balances = [account.balance for account in Account.objects.filter(pk=code)]
    assert balances in ([owed], []), (balances, owed)
    return owed


def amount(value: float) -> Decimal:
    return Decimal(str(value))
