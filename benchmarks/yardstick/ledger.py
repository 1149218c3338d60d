"""The ledger: an order is charged to its agency's account, within its credit limit."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Account, LedgerEntry, Order, new_id
from .problems import Refusal

opened: set[str] = set()  # the airline's own accounts, which stay once they are there


async def charge(session: AsyncSession, order: Order, taxes: Decimal, at: datetime) -> list[LedgerEntry]:
    """Post a sale. Locks the agency's account until the transaction ends, so it is the last thing to be locked."""
    amounts = {"sales": taxes - order.total_amount, "taxes": -taxes}
    legs = {f"{kind}:{order.currency}": amount for kind, amount in amounts.items() if amount}
    if not legs:
        return []
    for code in legs:
        await open_own_account(session, code, order.currency, at)
    account = await locked_account(session, order, at)
    if account.credit_limit is not None and account.balance + order.total_amount > account.credit_limit:
        raise Refusal(409, "credit_limit_exceeded", "The account's credit limit does not allow this.")
    account.balance += order.total_amount
    legs[account.code] = order.total_amount
    posting_id = new_id()
    entries = [
        LedgerEntry(
            posting_id=posting_id,
            at=at,
            kind="sale",
            account_id=code,
            amount=amount,
            currency=order.currency,
            order_id=order.id,
        )
        for code, amount in legs.items()
    ]
    session.add_all(entries)
    return entries


async def open_own_account(session: AsyncSession, code: str, currency: str, at: datetime) -> None:
    if code not in opened:
        values = {"code": code, "kind": code.split(":")[0], "currency": currency, "created_at": at}
        await session.execute(insert(Account).values(values).on_conflict_do_nothing())
        opened.add(code)


async def locked_account(session: AsyncSession, order: Order, at: datetime) -> Account:
    code = f"agency:{order.agency_id}:{order.currency}"
    account = await session.get(Account, code, with_for_update=True)
    if account is None:
        values = {"code": code, "kind": "agency", "agency_id": order.agency_id, "currency": order.currency}
        await session.execute(insert(Account).values(values | {"created_at": at}).on_conflict_do_nothing())
        account = await session.get(Account, code, with_for_update=True)
    return account
