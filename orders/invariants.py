"""What is always true of orders, as queries that find the exceptions (`manage.py verify_invariants`)."""

from skybridge.invariants import Invariant

BACKUPS = [
    Invariant(
        "orders_have_their_backups",
        "Each order has a backup of its present version, and one of each version before back to its first backup.",
        """SELECT o.id FROM orders_order o LEFT JOIN (
            SELECT stream, max(version) AS newest, max(version) - min(version) + 1 AS span, count(*) AS versions
            FROM orders_backup WHERE kind = 'order' GROUP BY stream
        ) b ON b.stream = o.id::text
        WHERE b.newest IS DISTINCT FROM o.version OR b.span <> b.versions""",
    ),
    Invariant(
        "backups_are_here_or_stored",
        "A backup holds its document until the store has it; the versions before a stored one are stored.",
        """SELECT id FROM orders_backup
        WHERE (stored_at IS NULL AND document IS NULL) OR (stored_at IS NOT NULL AND (sha256 = '' OR key = ''))
        UNION ALL
        SELECT b.id FROM orders_backup b
        JOIN orders_backup w ON w.kind = b.kind AND w.stream = b.stream AND w.version < b.version
        WHERE w.stored_at IS NULL AND b.stored_at IS NOT NULL""",
    ),
    Invariant(
        "order_backup_is_current",
        "The newest backup of an order has the present versions of its bookings and all of its ledger lines.",
        """SELECT o.id FROM orders_order o
        JOIN orders_backup b ON b.kind = 'order' AND b.stream = o.id::text AND b.version = o.version
        LEFT JOIN (
            SELECT order_id, jsonb_object_agg(id, version) AS versions FROM bookings_booking
            WHERE order_id IS NOT NULL GROUP BY order_id
        ) n ON n.order_id = o.id
        LEFT JOIN (
            SELECT order_id, count(*) AS lines FROM partners_ledgerentry WHERE order_id IS NOT NULL GROUP BY order_id
        ) l ON l.order_id = o.id
        WHERE b.covers <> jsonb_build_object(
            'bookings', COALESCE(n.versions, '{}'), 'ledger', COALESCE(l.lines, 0))""",
    ),
    Invariant(
        "account_backup_is_current",
        "The newest backup of an owner's account has all of its postings that belong to no order.",
        """SELECT n.account_id AS id FROM (
            SELECT own.account_id, count(*) AS lines
            FROM (SELECT DISTINCT account_id, posting_id FROM partners_ledgerentry WHERE order_id IS NULL) own
            JOIN partners_account a ON a.code = own.account_id AND a.kind IN ('agency', 'customer')
            JOIN partners_ledgerentry e ON e.posting_id = own.posting_id
            GROUP BY own.account_id
        ) n LEFT JOIN (
            SELECT DISTINCT ON (stream) stream, covers FROM orders_backup
            WHERE kind = 'account' ORDER BY stream, version DESC
        ) b ON b.stream = n.account_id
        WHERE (b.covers ->> 'ledger')::bigint IS DISTINCT FROM n.lines""",
    ),
]

INVARIANTS = [*BACKUPS]
