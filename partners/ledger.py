"""The ledger: money moves only as a posting, several entries that add up to zero and are written in one statement.

Positive amounts are debits. An owner (an agency, or a traveller without one) has an account per currency; what it owes
is the account's balance. The airline's own accounts appear when they are first used. Whoever posts takes the owner's
account as the last lock of the transaction: after order, booking, ticket, coupon, seats, stock and payment.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from partners.exceptions import CreditLimitExceeded
from partners.models import Account
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import InvalidInput, NotFound
from skybridge.identifiers import uuid7
from skybridge.money import as_number, rounded
from skybridge.times import day_start

SALES, TAXES, FEES, CARDS = "sales", "taxes", "fees", "cards"

Legs = Sequence[tuple[str, Decimal]]


class Line(NamedTuple):
    """One entry of a statement; one of debit and credit is zero, `balance` is what is owed after it."""

    at: datetime
    kind: str
    order_id: UUID | None
    reference: str
    debit: Decimal
    credit: Decimal
    balance: Decimal


class Statement(NamedTuple):
    """What moved on an account from `first_day` to `last_day` (both included, UTC)."""

    code: str
    first_day: date
    last_day: date
    opening: Decimal
    lines: list[Line]
    closing: Decimal


class StatementPage(NamedTuple):
    """A statement with the lines of one page alone; opening and closing are the whole period's."""

    statement: Statement
    number: int
    pages: int


def bank(provider: str) -> str:
    """Return the name of the account that a provider of payments pays into; `transfer` is for settlements."""
    return f"bank:{provider}"


def system_account(name: str, currency: str) -> str:
    """Return the code of one of the airline's own accounts, such as `sales:USD`."""
    return f"{name}:{currency}"


def account_code(agency_id: UUID | None, customer_id: str, currency: str) -> str:
    """Return the code of the account that owes: the agency's, or the customer's when there is no agency."""
    owner = f"agency:{agency_id}" if agency_id else f"customer:{customer_id}"
    return f"{owner}:{currency}"


def open_account(agency_id: UUID | None, customer_id: str, currency: str) -> str:
    """Make sure that an owner has an account, and return its code. One query when it has.

    A new account gets the settings' credit limit. Raises ValueError for an owner without agency and customer.
    """
    if not agency_id and not customer_id:
        raise ValueError("an account belongs to an agency or a customer")
    code = account_code(agency_id, customer_id, currency)
    if not Account.objects.filter(pk=code).exists():
        Account.objects.bulk_create([draft_account(code, agency_id, customer_id, currency)], ignore_conflicts=True)
    return code


def open_system_accounts(codes: Iterable[str], currency: str) -> None:
    """Make sure that accounts of the airline's own are there. One statement."""
    accounts = [Account(code=code, kind=code.partition(":")[0], currency=currency) for code in sorted(codes)]
    Account.objects.bulk_create(accounts, ignore_conflicts=True)


def draft_account(code: str, agency_id: UUID | None, customer_id: str, currency: str) -> Account:
    if agency_id:
        kind, limit, customer_id = Account.Kind.AGENCY, first_limit(settings.AGENCY_CREDIT_LIMIT, currency), ""
    else:
        kind, limit = Account.Kind.CUSTOMER, first_limit(settings.CUSTOMER_CREDIT_LIMIT, currency)
    return Account(
        code=code, kind=kind, agency_id=agency_id, customer_id=customer_id, currency=currency, credit_limit=limit
    )


def first_limit(limit: Decimal | None, currency: str) -> Decimal | None:
    """Return a new account's credit limit: the settings' in the airline's own currency, none to spend in any other."""
    return limit if currency == settings.CURRENCY else Decimal(0)


def require_credit(agency_id: UUID | None, customer_id: str, currency: str, amount: Decimal) -> str:
    """Open an owner's account if it is not, and check without a lock whether it could owe so much more.

    Returns its code. One query when it is open. Raises CreditLimitExceeded.
    """
    code = account_code(agency_id, customer_id, currency)
    account = Account.objects.filter(pk=code).first()
    if account is None:
        account = Account.objects.get(pk=open_account(agency_id, customer_id, currency))
    if account.credit_limit is not None and amount > 0 and account.balance + amount > account.credit_limit:
        raise limit_exceeded(account.balance, account.credit_limit, amount, account.currency)
    return code


def limit_exceeded(balance: Decimal, limit: Decimal, needed: Decimal, currency: str) -> CreditLimitExceeded:
    balance, limit, needed = (rounded(amount, currency) for amount in (balance, limit, needed))
    return CreditLimitExceeded(
        f"This needs {needed} {currency}, and the account has {max(limit - balance, Decimal(0))} {currency} left of "
        f"its credit limit of {limit} {currency}; settle the account, or pay by card.",
        limit=as_number(limit),
        balance=as_number(balance),
        needed=as_number(needed),
        currency=currency,
    )


# --- Posting ---

MOST_LEGS = 8  # so few that the planner looks for each account by its code, however many accounts there are
# Common table expressions. LEGS locks the owners' accounts, after what has to be `ready` before, and finds one that
# would go over its limit; POSTING writes the legs, and moves the balances, if `enough` has a row.
LEGS = f"""
leg AS (
    SELECT l.value ->> 0 AS code, (l.value ->> 1)::numeric AS amount, l.position
    FROM jsonb_array_elements(%(legs)s::jsonb) WITH ORDINALITY AS l (value, position) LIMIT {MOST_LEGS}
), change AS (
    SELECT code, sum(amount) AS amount FROM leg GROUP BY code
), owner AS MATERIALIZED (
    SELECT a.code, c.amount, a.balance, a.credit_limit
    FROM partners_account a JOIN change c ON c.code = a.code
    WHERE a.kind IN ('agency', 'customer') {{ready}} ORDER BY a.code FOR NO KEY UPDATE OF a
), over AS MATERIALIZED (
    SELECT * FROM owner WHERE %(within_limit)s AND amount > 0 AND balance + amount > credit_limit ORDER BY code LIMIT 1
)"""
POSTING = """
moved AS (
    UPDATE partners_account a SET balance = a.balance + o.amount FROM owner o, enough WHERE a.code = o.code
    RETURNING a.*
), posted AS (
    INSERT INTO partners_ledgerentry (posting_id, at, kind, account_id, amount, currency, order_id, reference)
    SELECT %(posting_id)s::uuid, %(at)s::timestamptz, %(kind)s, code, amount, %(currency)s, %(order_id)s::uuid,
        %(reference)s
    FROM leg, enough ORDER BY position
    RETURNING *
)"""
POST = f"""
WITH {LEGS.format(ready="")}, enough AS (
    SELECT 1 WHERE NOT EXISTS (SELECT FROM over)
), opened AS (
    INSERT INTO partners_account (code, kind, customer_id, currency, balance, created_at)
    SELECT code, split_part(code, ':', 1), '', %(currency)s, 0, %(at)s::timestamptz
    FROM change, enough WHERE split_part(code, ':', 1) NOT IN ('agency', 'customer')
    ORDER BY code ON CONFLICT DO NOTHING
), {POSTING}
SELECT balance, credit_limit, amount FROM over
"""


def post(
    kind: str,
    legs: Legs,
    *,
    currency: str,
    order_id: UUID | None = None,
    reference: str = "",
    within_limit: bool = True,
    at: datetime,
) -> UUID:
    """Write a posting of account codes and amounts, move the owners' balances, and return the posting's id.

    One statement; it locks the owners' accounts in order of their codes, so let it be the last of the transaction that
    locks. Owners' accounts must be open. Raises CreditLimitExceeded when a debit would take an owner over its limit
    (unless not `within_limit`: for money that has moved already), ValueError for legs that do not add up to zero.
    """
    if not any(amount for _, amount in legs):
        raise ValueError("a posting's legs move something, and add up to zero")
    parameters = posting(
        kind, legs, currency=currency, order_id=order_id, reference=reference, within_limit=within_limit, at=at
    )
    for balance, limit, needed in rows(POST, parameters):
        raise limit_exceeded(balance, limit, needed, currency)
    return parameters["posting_id"]


def posting(
    kind: str,
    legs: Legs,
    *,
    currency: str,
    order_id: UUID | None = None,
    reference: str = "",
    within_limit: bool = True,
    at: datetime,
) -> dict[str, Any]:
    """Return the parameters of LEGS and POSTING. Raises ValueError for legs that do not add up to zero."""
    legs = [(code, amount) for code, amount in legs if amount]
    if sum(amount for _, amount in legs) != 0 or len(legs) > MOST_LEGS:
        raise ValueError(f"a posting's legs are {MOST_LEGS} at most and add up to zero, not {legs}")
    return {
        "legs": json.dumps([(code, str(amount)) for code, amount in legs]),
        "within_limit": within_limit,
        "currency": currency,
        "at": at,
        "posting_id": uuid7(),
        "kind": kind,
        "order_id": order_id,
        "reference": reference,
    }


def rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


# --- What staff does with accounts: called through `orders.settlements`, which also backs it up ---


@transaction.atomic
def settle_account(code: str, amount: Decimal, *, actor: Actor, reference: str, at: datetime) -> UUID:
    """Record a payment that the airline has received from an account's owner, and return the posting's id.

    Raises NotFound for an account that is not open, InvalidInput for an amount that the currency cannot have.
    """
    account = owner_account(code)
    check_amount(amount, account.currency)
    legs = [(system_account(bank("transfer"), account.currency), amount), (code, -amount)]
    posting_id = post("settlement", legs, currency=account.currency, reference=reference, at=at)
    after = {"account": code, "amount": str(amount), "currency": account.currency, "posting_id": str(posting_id)}
    record([Happening("account.settled", account.subject_id, None, after, reference)], actor=actor, at=at)
    return posting_id


@transaction.atomic
def set_credit_limit(code: str, limit: Decimal | None, *, actor: Actor, at: datetime) -> None:
    """Change how much an account may owe (None: any amount); what it owes already stays. Locks the account."""
    account = Account.objects.select_for_update(no_key=True).get(pk=code)
    before, after = ({"account": code, "credit_limit": text_of(value)} for value in (account.credit_limit, limit))
    if before != after:
        Account.objects.filter(pk=code).update(credit_limit=limit)
        record([Happening("account.changed", account.subject_id, before, after)], actor=actor, at=at)


def text_of(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def owner_account(code: str) -> Account:
    account = Account.objects.filter(pk=code, kind__in=Account.OWNERS).first()
    if account is None:
        raise NotFound("There is no such account.")
    return account


def check_amount(amount: Decimal, currency: str) -> None:
    if amount <= 0 or rounded(amount, currency) != amount:
        message = f"An amount of {currency} is positive and has its places."
        raise InvalidInput(f"amount: {message}", errors=[{"pointer": "/amount", "code": "invalid", "message": message}])


# --- The statement of an account ---

LINES = """
SELECT at, kind, order_id, reference, greatest(amount, 0), greatest(-amount, 0), opening + running, opening, closing,
    page, pages
FROM (
    SELECT e.*, a.balance - later.amount AS closing,
        a.balance - later.amount - COALESCE(sum(e.amount) OVER (), 0) AS opening, sum(e.amount) OVER lines AS running,
        (row_number() OVER lines - 1) / %(size)s + 1 AS page,
        greatest(1, (count(e.id) OVER () - 1) / %(size)s + 1) AS pages
    FROM partners_account a CROSS JOIN LATERAL (
        SELECT COALESCE(sum(amount), 0) AS amount FROM partners_ledgerentry
        WHERE account_id = a.code AND at >= %(end)s::timestamptz
    ) AS later
    LEFT JOIN partners_ledgerentry e
        ON e.account_id = a.code AND e.at >= %(first)s::timestamptz AND e.at < %(end)s::timestamptz
    WHERE a.code = %(code)s WINDOW lines AS (ORDER BY e.at, e.id)
) AS line
WHERE page = CASE WHEN %(page)s BETWEEN 1 AND pages THEN %(page)s ELSE pages END
ORDER BY line.at, line.id
"""
MOST = 2**31 - 1


def statement(code: str, first_day: date, last_day: date) -> Statement:
    """Return an owner's statement of the days from first to last (UTC); empty without an account. One statement."""
    return statement_page(code, first_day, last_day, 1, MOST).statement


def statement_page(code: str, first_day: date, last_day: date, number: int, size: int) -> StatementPage:
    """Return the page of a statement of this number, or the last one if there is none. One statement.

    What was owed at the end is what is owed now less what has moved since, so the cost of a page of the past grows
    with what came after it, though only the database adds it up.
    """
    period = {"first": day_start(first_day), "end": day_start(last_day + timedelta(days=1))}
    found = rows(LINES, {"code": code, "page": number, "size": size, **period})
    opening, closing, *pages = found[0][7:] if found else (Decimal(0), Decimal(0), 1, 1)
    lines = [Line._make(row[:7]) for row in found if row[0] is not None]
    return StatementPage(Statement(code, first_day, last_day, opening, lines, closing), *pages)
