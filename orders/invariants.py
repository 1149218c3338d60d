"""What is always true of orders, as queries that find the exceptions (`manage.py verify_invariants`)."""

from skybridge.invariants import Invariant

ORDERS = [
    Invariant(
        "order_total_is_items",
        "An order's total is the sum of its items.",
        """SELECT o.id FROM orders_order o
        LEFT JOIN (SELECT order_id, sum(price * quantity) AS total FROM orders_orderitem GROUP BY 1) i
          ON i.order_id = o.id
        WHERE o.total_amount IS DISTINCT FROM i.total""",
    ),
    Invariant(
        "order_ledger_is_total_less_refunds",
        "What an order's sale, changes and cancellations have posted to its account is its total less what went back.",
        """SELECT o.id FROM orders_order o
        LEFT JOIN (
            SELECT order_id, sum(amount) AS owed FROM partners_ledgerentry
            WHERE kind NOT IN ('payment', 'refund')
              AND split_part(account_id, ':', 1) NOT IN ('sales', 'taxes', 'fees')
            GROUP BY 1
        ) e ON e.order_id = o.id
        WHERE COALESCE(e.owed, 0) <> o.total_amount - o.refunded_amount""",
    ),
    Invariant(
        "processed_card_orders_are_paid",
        "An order by card whose execution succeeded has paid what it costs, less what went back.",
        """SELECT o.id FROM orders_order o JOIN orders_execution x ON x.order_id = o.id AND x.status = 'SUCCEEDED'
        LEFT JOIN (
            SELECT order_id, sum(amount - refunded_amount) AS paid,
                sum(amount - refunded_amount) FILTER (WHERE purpose <> 'order' AND NOT EXISTS (
                    SELECT FROM bookings_quote q WHERE 'quote:' || q.id = purpose AND q.confirmed_at IS NOT NULL
                )) AS unused
            FROM partners_payment WHERE status = 'succeeded' GROUP BY 1
        ) p ON p.order_id = o.id
        LEFT JOIN (
            SELECT p.order_id, sum(r.amount) AS failed
            FROM partners_refund r JOIN partners_payment p ON p.id = r.payment_id WHERE r.status = 'failed' GROUP BY 1
        ) f ON f.order_id = o.id
        WHERE o.payment_method = 'card'
          AND NOT COALESCE(p.paid, 0) - COALESCE(p.unused, 0) BETWEEN o.total_amount - o.refunded_amount
            AND o.total_amount - o.refunded_amount + COALESCE(f.failed, 0)""",
    ),
    Invariant(
        "order_status_is_that_of_last_event",
        "An order's status is the one that its last status event says.",
        """SELECT o.id FROM orders_order o
        LEFT JOIN (
            SELECT DISTINCT ON (subject_id) subject_id, after ->> 'status' AS status
            FROM skybridge_event
            WHERE action IN ('order.pending', 'order.processing', 'order.shipped', 'order.delivered', 'order.cancelled',
                'order.failed')
            ORDER BY subject_id, id DESC
        ) e ON e.subject_id = o.id
        WHERE e.status IS DISTINCT FROM o.status""",
    ),
    Invariant(
        "failed_orders_lapse",
        "A failed order has a moment at which it gives back what it has taken, and no other order has.",
        "SELECT id FROM orders_order WHERE (status = 'failed') <> (lapses_at IS NOT NULL)",
    ),
    Invariant(
        "tallies_are_right",
        "The number that is kept of an agency's orders is how many it has that are not deleted.",
        """SELECT t.agency_id AS id FROM orders_tally t LEFT JOIN (
            SELECT agency_id, count(*) AS orders FROM orders_order WHERE deleted_at IS NULL GROUP BY agency_id
        ) o ON o.agency_id = t.agency_id
        WHERE t.orders <> COALESCE(o.orders, 0)""",
    ),
]

BOOKINGS = [
    Invariant(
        "confirmed_bookings_are_ordered",
        "A confirmed booking is sold by an order that is not cancelled.",
        """SELECT b.id FROM bookings_booking b LEFT JOIN orders_order o ON o.id = b.order_id
        WHERE b.status = 'confirmed' AND (o.id IS NULL OR o.status = 'cancelled')""",
    ),
    Invariant(
        "cancelled_orders_hold_no_seats",
        "A cancelled order has no pending booking.",
        """SELECT o.id FROM orders_order o JOIN bookings_booking b ON b.order_id = o.id
        WHERE o.status = 'cancelled' AND b.status = 'pending'""",
    ),
    Invariant(
        "ordered_bookings_are_items",
        "Each booking that names its order is one of the order's items, once, and belongs to the order's owner.",
        """SELECT b.id FROM bookings_booking b JOIN orders_order o ON o.id = b.order_id
        LEFT JOIN (
            SELECT order_id, booking_id, count(*) AS items FROM orders_orderitem WHERE NOT is_change GROUP BY 1, 2
        ) i ON i.order_id = o.id AND i.booking_id = b.id
        WHERE i.items IS DISTINCT FROM 1 OR b.agency_id IS DISTINCT FROM o.agency_id""",
    ),
    Invariant(
        "processed_tickets_are_issued",
        "Each ticket that still counts of a confirmed booking has its number, once its order is processed.",
        r"""SELECT t.id FROM ticketing_ticket t JOIN bookings_booking b ON b.id = t.booking_id
        LEFT JOIN orders_execution x ON x.order_id = b.order_id
        WHERE b.status = 'confirmed' AND NOT t.is_superseded AND x.status = 'SUCCEEDED'
          AND (t.number IS NULL OR t.number !~ '^\d{13}$' OR t.issued_at IS NULL)""",
    ),
]

DISRUPTIONS = [
    Invariant(
        "nobody_is_forgotten_on_a_cancelled_flight",
        "Who has a coupon for a flight that was cancelled waits for a choice.",
        """SELECT DISTINCT t.booking_id AS id FROM orders_disruption d
        JOIN ticketing_coupon k ON k.flight_id = d.flight_id AND k.status IN ('O', 'C', 'L')
        JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id AND b.status = 'confirmed'
        WHERE d.kind = 'cancellation' AND NOT EXISTS (
            SELECT FROM orders_disruptedbooking x WHERE x.booking_id = b.id AND x.status = 'waiting'
        )""",
    ),
]

EXECUTIONS = [
    Invariant(
        "histories_have_no_gaps",
        "An execution's history is numbered from 1 to its last event, without gaps.",
        """SELECT x.order_id AS id FROM orders_execution x
        LEFT JOIN (
            SELECT execution_id, count(*) AS lines, min(event_id) AS first, max(event_id) AS last
            FROM orders_executionevent GROUP BY 1
        ) h ON h.execution_id = x.order_id
        WHERE (h.lines, h.first, h.last) IS DISTINCT FROM (x.last_event_id::bigint, 1, x.last_event_id)""",
    ),
    Invariant(
        "running_executions_have_a_timer",
        "An execution that runs has a moment at which something is to be done; one that has ended has none.",
        """SELECT order_id AS id FROM orders_execution
        WHERE (status = 'RUNNING') <> (due_at IS NOT NULL) OR (status = 'RUNNING') <> (stopped_at IS NULL)""",
    ),
    Invariant(
        "every_order_has_an_execution",
        "Each order has its execution.",
        "SELECT o.id FROM orders_order o LEFT JOIN orders_execution x ON x.order_id = o.id WHERE x.order_id IS NULL",
    ),
]

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

EMDS = [
    Invariant(
        "document_numbers_are_used_once",
        "No number is that of two tickets, two EMDs, or of a ticket and an EMD.",
        """SELECT number AS id FROM (
            SELECT number FROM ticketing_ticket WHERE number IS NOT NULL
            UNION ALL SELECT number FROM ticketing_emd WHERE number IS NOT NULL
        ) n GROUP BY 1 HAVING count(*) > 1""",
    ),
    Invariant(
        "emds_follow_their_coupons",
        "An EMD that still counts has the status of the coupon that it belongs to.",
        """SELECT e.id FROM ticketing_emd e JOIN ticketing_coupon k ON k.id = e.coupon_id
        WHERE e.status IN ('O', 'C', 'L', 'F') AND (e.status <> k.status OR e.ticket_id <> k.ticket_id)""",
    ),
    Invariant(
        "emds_are_items",
        "An EMD's amount is its order item's price of all pieces, and its product the item's.",
        """SELECT e.id FROM ticketing_emd e JOIN orders_orderitem i ON i.id = e.order_item_id
        WHERE (e.product_id, e.quantity, e.amount) IS DISTINCT FROM (i.product_id, i.quantity, i.price * i.quantity)""",
    ),
    Invariant(
        "processed_emds_are_issued",
        "An EMD that still counts has its number once its order is processed, and a moment of issue with a number.",
        """SELECT e.id FROM ticketing_emd e JOIN orders_orderitem i ON i.id = e.order_item_id
        LEFT JOIN orders_execution x ON x.order_id = i.order_id
        WHERE (e.number IS NULL) <> (e.issued_at IS NULL)
          OR (e.number IS NULL AND e.status IN ('O', 'C', 'L', 'F') AND x.status = 'SUCCEEDED')""",
    ),
    Invariant(
        "cancelled_orders_have_no_emds",
        "All EMDs of a cancelled order are void or refunded.",
        """SELECT e.id FROM ticketing_emd e JOIN orders_orderitem i ON i.id = e.order_item_id
        JOIN orders_order o ON o.id = i.order_id AND o.status = 'cancelled'
        WHERE e.status NOT IN ('R', 'V')""",
    ),
]

INVARIANTS = [*ORDERS, *BOOKINGS, *EMDS, *EXECUTIONS, *BACKUPS]
