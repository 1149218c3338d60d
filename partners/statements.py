"""Whose statement a caller may see, and how it is written."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from partners.callers import Caller
from partners.exceptions import AgencyNotFound
from partners.ledger import Statement, StatementPage, account_code, statement, statement_page
from partners.models import Agency
from skybridge.exceptions import Forbidden, MissingFields
from skybridge.money import rounded
from skybridge.times import utc_text

COLUMNS = ("at", "kind", "order_id", "reference", "debit", "credit", "balance")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def statement_for(
    caller: Caller, *, agency_id: UUID | None, currency: str, first_day: date, last_day: date
) -> Statement:
    """Return the statement of the account that a caller asks for: its own, or for staff an agency's. Two statements.

    Raises Forbidden for another's agency, MissingFields when staff names none, AgencyNotFound.
    """
    code = account_code(*owner_for(caller, agency_id), currency)
    return statement(code, first_day, last_day)


def page_for(
    caller: Caller, *, currency: str, first_day: date, last_day: date, number: int, size: int
) -> StatementPage:
    """Return a page of the statement of a caller's own account. One statement."""
    code = account_code(caller.agency_id, caller.user_id, currency)
    return statement_page(code, first_day, last_day, number, size)


def owner_for(caller: Caller, agency_id: UUID | None) -> tuple[UUID | None, str]:
    """Return agency and customer of the account that a caller asks for."""
    if caller.is_staff:
        return require_agency(agency_id), ""
    if agency_id not in (None, caller.agency_id):
        raise Forbidden
    return caller.agency_id, caller.user_id


def require_agency(agency_id: UUID | None) -> UUID:
    if agency_id is None:
        error = {"pointer": "/agency", "code": "required", "message": "Staff say which agency's statement it is."}
        raise MissingFields("Missing required field: agency", errors=[error])
    if not Agency.objects.filter(pk=agency_id).exists():
        raise AgencyNotFound
    return agency_id


def statement_document(found: Statement) -> dict[str, Any]:
    """Return a statement as the API answers it; amounts have their currency's places."""
    currency = currency_of(found)
    return {
        "account": found.code,
        "currency": currency,
        "from": found.first_day,
        "to": found.last_day,
        "opening_balance": rounded(found.opening, currency),
        "lines": [line_document(line, currency) for line in found.lines],
        "closing_balance": rounded(found.closing, currency),
    }


def line_document(line, currency: str) -> dict[str, Any]:
    amounts = {name: rounded(getattr(line, name), currency) for name in ("debit", "credit", "balance")}
    return {
        "at": utc_text(line.at),
        "kind": line.kind,
        "order_id": line.order_id,
        "reference": line.reference,
    } | amounts


def currency_of(found: Statement) -> str:
    return found.code.rpartition(":")[2]


def statement_csv(found: Statement) -> str:
    """Return a statement as CSV: a line for the opening balance, the lines, and one for the closing balance."""
    currency, out = currency_of(found), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerow(balance_row(found.first_day, "opening balance", found.opening, currency))
    writer.writerows([as_cell(value) for value in line_document(line, currency).values()] for line in found.lines)
    writer.writerow(balance_row(found.last_day, "closing balance", found.closing, currency))
    return out.getvalue()


def balance_row(day: date, kind: str, amount: Decimal, currency: str) -> list[Any]:
    return [day, kind, "", "", "", "", rounded(amount, currency)]


def as_cell(value: Any) -> Any:
    """Return a value for a cell; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
