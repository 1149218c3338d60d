"""What is always true of money, whatever happens (`manage.py verify_invariants`)."""

from skybridge.invariants import Invariant

MOVED = """
    SELECT reference, sum(amount) FILTER (WHERE account_id LIKE 'bank:%') AS amount,
        min(account_id) FILTER (WHERE account_id NOT LIKE 'bank:%') AS account_id
    FROM partners_ledgerentry WHERE kind = '{}' GROUP BY reference
"""

LEDGER = [
    Invariant(
        "postings_are_balanced",
        "The entries of a posting add up to zero in each currency.",
        "SELECT posting_id AS id FROM partners_ledgerentry GROUP BY posting_id, currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "entries_have_accounts",
        "Each entry is of an account of its currency.",
        """SELECT e.id FROM partners_ledgerentry e LEFT JOIN partners_account a ON a.code = e.account_id
        WHERE a.currency IS DISTINCT FROM e.currency""",
    ),
    Invariant(
        "balances_are_sums_of_entries",
        "What an owner owes is the sum of its account's entries; the airline's own accounts keep no balance.",
        """SELECT a.code AS id FROM partners_account a
        LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM partners_ledgerentry GROUP BY 1) e
          ON e.account_id = a.code
        WHERE a.balance <> CASE WHEN a.kind IN ('agency', 'customer') THEN COALESCE(e.amount, 0) ELSE 0 END""",
    ),
]

PAYMENTS = [
    Invariant(
        "refunded_is_sum_of_refunds",
        "What is refunded of a payment is the sum of its refunds that wait or succeeded, and at most the payment.",
        """SELECT p.id FROM partners_payment p
        LEFT JOIN (
            SELECT payment_id, sum(amount) AS amount FROM partners_refund WHERE status <> 'failed' GROUP BY 1
        ) r ON r.payment_id = p.id
        WHERE p.refunded_amount <> COALESCE(r.amount, 0) OR p.refunded_amount > p.amount
          OR (p.status <> 'succeeded' AND r.amount > 0)""",
    ),
    Invariant(
        "payments_are_posted",
        "Each payment that succeeded is in the ledger once, with its amount and account, and no other is.",
        f"""SELECT COALESCE(p.id::text, e.reference) AS id
        FROM (SELECT * FROM partners_payment WHERE status = 'succeeded') p
        FULL JOIN ({MOVED.format("payment")}) e ON e.reference = p.id::text
        WHERE (p.amount, p.account_id) IS DISTINCT FROM (e.amount, e.account_id)""",
    ),
    Invariant(
        "refunds_are_posted",
        "Each refund that succeeded is in the ledger once, with its amount and its payment's account, and no other is.",
        f"""SELECT COALESCE(r.id::text, e.reference) AS id
        FROM (
            SELECT r.id, r.amount, p.account_id FROM partners_refund r JOIN partners_payment p ON p.id = r.payment_id
            WHERE r.status = 'succeeded'
        ) r
        FULL JOIN ({MOVED.format("refund")}) e ON e.reference = r.id::text
        WHERE (r.amount, r.account_id) IS DISTINCT FROM (-e.amount, e.account_id)""",
    ),
]

INVARIANTS = [*LEDGER, *PAYMENTS]
