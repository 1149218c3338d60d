"""What an order's sale, and whatever is given back of it, means in the ledger.

An order on account is owed by its owner; one by card by the card clearing account, until the payment settles it. What
staff sells to nobody in particular is paid at the counter.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bookings.fare_rules import Settlement
from bookings.models import Quote
from orders.models import Order
from partners import ledger

QUOTE = "quote:"  # and the quote's id: the purpose of a payment of what a quote has due


def account_of(order: Order) -> str:
    """Return the code of the account that owes an order."""
    if order.payment_method == Order.PaymentMethod.CARD:
        return ledger.system_account(ledger.CARDS, order.currency)
    if not order.agency_id and not order.customer_id:
        return ledger.system_account(ledger.bank("counter"), order.currency)
    return ledger.account_code(order.agency_id, order.customer_id, order.currency)


def unused_purposes(order_id: UUID) -> list[str]:
    """Return the purposes of payments for quotes of an order's bookings that were not carried out."""
    open_quotes = Quote.objects.filter(booking__order_id=order_id, confirmed_at=None)
    return [f"{QUOTE}{quote_id}" for quote_id in open_quotes.values_list("pk", flat=True)]


def is_owed(order: Order) -> bool:
    """Tell whether an order is charged to an owner, within its credit limit."""
    return order.payment_method == Order.PaymentMethod.ACCOUNT and bool(order.agency_id or order.customer_id)


def prepare_account(order: Order) -> None:
    """Refuse what the owner's credit does not cover before anything is taken. Raises CreditLimitExceeded."""
    if is_owed(order):
        ledger.require_credit(order.agency_id, order.customer_id, order.currency, order.total_amount)


def sale_legs(order: Order, taxes: Decimal) -> ledger.Legs:
    """Return what charging an order to its account posts."""
    return legs_of(order, {ledger.SALES: taxes - order.total_amount, ledger.TAXES: -taxes})


def open_accounts(order: Order, legs: ledger.Legs) -> None:
    """Make sure that the accounts of legs, which an order is charged to, are there."""
    owed = account_of(order)
    if is_owed(order):
        ledger.open_account(order.agency_id, order.customer_id, order.currency)
    own = {code for code, _ in legs if code != owed or not is_owed(order)}
    ledger.open_system_accounts(own, order.currency)


def post_settlement(order: Order, kind: str, settlement: Settlement, *, at: datetime, reference: str = "") -> None:
    """Charge (or credit) what a change or cancellation costs to the order's account. Raises CreditLimitExceeded."""
    amounts = {
        ledger.SALES: -settlement.fare_amount,
        ledger.TAXES: -settlement.tax_amount,
        ledger.FEES: -settlement.penalty_amount,
    }
    post(order, kind, amounts, at=at, reference=reference)


def post(order: Order, kind: str, system_amounts: dict[str, Decimal], *, at: datetime, reference: str = "") -> None:
    """Post amounts of the airline's accounts (positive: debit) against the order's account."""
    if legs := legs_of(order, system_amounts):
        ledger.post(kind, legs, currency=order.currency, order_id=order.pk, reference=reference, at=at)


def legs_of(order: Order, system_amounts: dict[str, Decimal]) -> ledger.Legs:
    legs = [(ledger.system_account(name, order.currency), amount) for name, amount in system_amounts.items() if amount]
    balance = -sum((amount for _, amount in legs), Decimal(0))
    return [*legs, (account_of(order), balance)] if balance else legs
