"""What staff do to orders, their executions and backups in the back office."""

from datetime import datetime
from decimal import Decimal

from django import forms
from django.db.models import QuerySet, Sum

from bookings.acts import price_lines, refund_facts
from bookings.models import Booking
from orders import backups, quotes, redriving, services, workflow
from orders.emds import sold_to
from orders.exceptions import NotRedrivable, NotRunning, OrderQuoteNotFound
from orders.models import Backup, Execution, Order
from orders.redriving import failed_executions
from skybridge.acts import Act, ActForm, Doing, Done, Lines, Shown, second_word, with_second_word
from skybridge.approvals import refund_needs_approval
from skybridge.exceptions import DomainError
from skybridge.lists import money
from skybridge.storage import StorageError

REFUND = "refund_booking"


class BackupsWait(DomainError):
    code = "storage_unavailable"
    status_code = 503
    message = "The store does not answer; what waits is stored when it does."


# --- Orders ---


def sold_by_others(order: Order) -> Decimal:
    """Return what other orders' products for an order's passengers cost: they go back whole when it ends."""
    bookings = Booking.objects.filter(order=order).values_list("pk", flat=True)
    emds = sold_to(bookings).exclude(order_item__order=order)
    return emds.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def besides_lines(amount: Decimal, currency: str) -> Lines:
    return [("Products on other orders go back", money(amount, currency))] if amount else []


def is_too_much(order: Order, refund: Decimal) -> bool:
    """Tell whether what goes back, with what has gone back of the order before, is above one person's limit."""
    return refund > 0 and refund_needs_approval(order.refunded_amount + refund, order.currency)


def word_needed(order: Order, act: str, refund: Decimal, doing: Doing) -> Lines:
    """Return the line about a second person where a refund needs one."""
    if not is_too_much(order, refund):
        return []
    return [second_word(REFUND, order.pk, refund_facts(act, refund, order.currency), doing.at)]


def show_cancellation(order: Order, doing: Doing) -> Shown:
    quote, besides = quotes.quote_cancellation(order.pk, caller=doing.caller), sold_by_others(order)
    lines = [
        *price_lines(quote.lines, quote.currency),
        ("Penalty", money(quote.penalty_amount, quote.currency)),
        ("Kept by the airline", money(quote.kept_amount, quote.currency)),
        ("Goes back to the customer", money(quote.refund_amount, quote.currency)),
        *besides_lines(besides, order.currency),
        ("Good until", f"{quote.expires_at:%Y-%m-%d %H:%M:%S} UTC"),
        *word_needed(order, "cancel_order", quote.refund_amount + besides, doing),
    ]
    return Shown(lines, str(quote.pk))


def cancel(order: Order, doing: Doing) -> Done:
    try:
        quote = quotes.read_quote(order.pk, forms.UUIDField().clean(doing.token), caller=doing.caller)
    except forms.ValidationError:
        raise OrderQuoteNotFound from None

    def carry_out() -> Done:
        quotes.confirm_quote(order.pk, quote.pk, caller=doing.caller)
        return Done(f"is cancelled; {money(quote.refund_amount, quote.currency)} go back.")

    refund = quote.refund_amount + sold_by_others(order)
    facts = refund_facts("cancel_order", refund, quote.currency)
    is_needed = is_too_much(order, refund)
    return with_second_word(REFUND, order.pk, facts, doing, carry_out, is_needed=is_needed)


def can_be_cancelled(order: Order) -> bool:
    return Order.Status.CANCELLED in Order.TRANSITIONS.get(order.status, ())


# --- Executions ---


class CardForm(ActForm):
    payment_token = forms.CharField(
        label="Another card", required=False, max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The payment token of the card to charge instead; for orders paid by card.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if len(self.rows) != 1 or self.rows[0].order.payment_method != Order.PaymentMethod.CARD:
            del self.fields["payment_token"]


def show_execution(execution: Execution, doing: Doing) -> Shown:
    order = execution.order
    lines = [
        ("Execution", f"{execution.status} at {execution.state}"),
        ("Order", f"{order.status}, {money(order.total_amount - order.refunded_amount, order.currency)}"),
    ]
    return Shown([*lines, ("Failed with", f"{execution.error} {execution.cause}")] if execution.error else lines)


def show_stop(execution: Execution, doing: Doing) -> Shown:
    if execution.status != Execution.Status.RUNNING:
        raise NotRunning(execution_status=execution.status)
    undone = [state.name for state in reversed(workflow.STATES) if state.undo]
    order, besides = execution.order, sold_by_others(execution.order)
    refund = quotes.refund_of_stopping(order.pk, caller=doing.caller)
    return Shown([
        *show_execution(execution, doing).lines, ("Is undone", ", ".join(undone)), ("The order", "is cancelled"),
        ("Goes back to the customer", money(refund, order.currency)), *besides_lines(besides, order.currency),
        *word_needed(order, "stop", refund + besides, doing),
    ])  # fmt: skip


def show_redrive(execution: Execution, doing: Doing) -> Shown:
    if "redrive" not in execution.available_actions:
        raise NotRedrivable(execution_status=execution.status, order_status=execution.order.status)
    return Shown([*show_execution(execution, doing).lines, ("Goes on at", execution.state)])


def stop(execution: Execution, doing: Doing) -> Done:
    """Stop an execution that gives back as much as a second person has agreed to, where that is needed."""
    order, besides = execution.order, sold_by_others(execution.order)
    refund = quotes.refund_of_stopping(order.pk, caller=doing.caller)

    def carry_out() -> Done:
        after = services.stop_execution(order.pk, caller=doing.caller, reason=doing.reason, giving_back=refund)
        return Done(f"is {after.status}; its order is cancelled.")

    facts = refund_facts("stop", refund + besides, order.currency)
    is_needed = is_too_much(order, refund + besides)
    return with_second_word(REFUND, order.pk, facts, doing, carry_out, is_needed=is_needed)


def redrive(execution: Execution, doing: Doing) -> Done:
    token = doing.data.get("payment_token", "").strip()
    after = services.redrive_execution(execution.pk, caller=doing.caller, payment_token=token)
    return Done(f"is {after.status} from {after.state}.")


def redrive_all(doing: Doing, until: datetime) -> int:
    return redriving.queue_failed(until, caller=doing.caller, reason=doing.reason)


def is_stoppable(execution: Execution) -> bool:
    return execution.status == Execution.Status.RUNNING


def is_redrivable(execution: Execution) -> bool:
    return "redrive" in execution.available_actions


def version_of_execution(execution: Execution) -> str:
    """A running execution moves on by itself; only what has become of it counts."""
    return f"{execution.status} {execution.redrive_count}"


# --- Backups ---


def waiting_backups() -> QuerySet[Backup]:
    return Backup.objects.filter(stored_at=None).defer("document").order_by("pk")


def show_backup(backup: Backup, doing: Doing) -> Shown:
    now = "stored" if backup.stored_at else "waits to be stored, after the versions before it"
    return Shown([("Taken", f"{backup.taken_at:%Y-%m-%d %H:%M:%S} UTC"), ("Now", now)])


def store(backup: Backup, doing: Doing) -> Done:
    """Store what waits of a version's stream; what is stored already stays."""
    try:
        stored = backups.store_waiting(backup.kind, backup.stream)
    except StorageError as failure:
        raise BackupsWait(f"Not stored: {failure}") from failure
    return Done(f"{stored} versions of it were stored." if stored else "was stored already.")


ORDER_ACTS = (
    Act("cancel", "Cancel", "skybridge.cancel_order", cancel, show_cancellation, is_offered=can_be_cancelled,
        asks_first=True, is_grave=True,
        explanation="First a quote, then exactly what it says: seats, stock and money go back. No order is deleted."),
)  # fmt: skip
EXECUTION_ACTS = (
    Act("redrive", "Redrive", "skybridge.redrive_execution", redrive, show_redrive, CardForm, is_redrivable,
        version_of_execution, everything=failed_executions, everything_label="Redrive all that failed",
        queue=redrive_all,
        explanation="Goes on at the state that failed, with what was done before."),
    Act("stop", "Stop and undo", "skybridge.stop_execution", stop, show_stop, is_offered=is_stoppable,
        version=version_of_execution, is_grave=True,
        explanation="Ends the processing, undoes what it did, and cancels the order."),
)  # fmt: skip
BACKUP_ACTS = (
    Act("store", "Store now", "skybridge.store_backup", store, show_backup,
        is_offered=lambda backup: backup.stored_at is None, version=lambda backup: str(backup.pk),
        everything=waiting_backups, everything_label="Store all that waits",
        explanation="Tries at once what the system tries again and again by itself."),
)  # fmt: skip
