"""Who calls us, and what each owes: agencies, travellers, accounts, the ledger, payments."""

from partners.models.accounts import Account, LedgerEntry
from partners.models.callers import Agency, Agent, ApiKey, Plan, Traveller
from partners.models.payments import Payment, Refund, SandboxCharge

__all__ = [
    "Account",
    "Agency",
    "Agent",
    "ApiKey",
    "LedgerEntry",
    "Payment",
    "Plan",
    "Refund",
    "SandboxCharge",
    "Traveller",
]
