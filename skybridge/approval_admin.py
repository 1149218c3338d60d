"""The second person's desk: what waits to be granted or refused, and what became of what was asked before."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html

from skybridge import approvals
from skybridge.acts import Act, ActsAdmin, Doing, Done, Shown
from skybridge.admin import ReadOnlyAdmin
from skybridge.lists import badge, exact, money
from skybridge.models import Approval

WORDS = {"refund_booking": "Refund", "waive_penalty": "Refund without penalty"}


def state_of(approval: Approval) -> str:
    if approval.decided_at is None:
        return "waiting"
    if not approval.is_granted:
        return "refused"
    return "used" if approval.used_at else "granted"


def amount_of(approval: Approval) -> str:
    amount = approval.facts.get("amount")
    return money(None if amount is None else Decimal(amount), approval.facts.get("currency", ""))


def about(approval: Approval) -> str:
    """Return a link to what is asked about, called by the locator of its booking."""
    address, locator = reverse("find"), getattr(approval, "locator", None)
    return format_html('<a href="{}?q={}">{}</a>', address, approval.object_id, locator or approval.object_id)


def show(approval: Approval, doing: Doing) -> Shown:
    asked = f"{approval.asked_by} at {approval.asked_at:%Y-%m-%d %H:%M} UTC"
    return Shown([("What", WORDS[approval.act]), ("About", about(approval)), ("Amount", amount_of(approval)),
                  ("Why", approval.reason), ("Asked by", asked), ("Now", state_of(approval))])  # fmt: skip


def grant(approval: Approval, doing: Doing) -> Done:
    approvals.grant(approval.pk, user=doing.user, at=doing.at)
    return Done(f"is granted; {approval.asked_by} can carry it out within 24 hours, at this amount and once.")


def refuse(approval: Approval, doing: Doing) -> Done:
    approvals.refuse(approval.pk, user=doing.user, at=doing.at, reason=doing.reason)
    return Done("is refused.")


def is_waiting(approval: Approval) -> bool:
    return approval.decided_at is None


DECIDE = " ".join(sorted(set(approvals.APPROVED_BY.values())))
ASK = " ".join(f"skybridge.{act}" for act in (*approvals.APPROVED_BY, "stop_execution"))
ACTS = (
    Act("grant", "Grant", DECIDE, grant, show, is_offered=is_waiting,
        explanation="Granting changes nothing by itself: who asked goes back to the booking or order and confirms "
                    "again. The amount is worked out anew then; if it is another one, it has to be asked for again."),
    Act("refuse", "Refuse", f"{DECIDE} {ASK}", refuse, show, is_offered=is_waiting,
        explanation="Also takes back what one has asked for oneself."),
)  # fmt: skip


class WaitingFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("waiting", "Waiting"), ("granted", "Granted"), ("refused", "Refused")]

    def queryset(self, request, queryset):
        conditions: dict[str, dict[str, Any]] = {
            "waiting": {"decided_at": None}, "granted": {"is_granted": True}, "refused": {"is_granted": False},
        }  # fmt: skip
        return queryset.filter(**conditions.get(self.value() or "", {}))


@admin.register(Approval)
class ApprovalAdmin(ActsAdmin, ReadOnlyAdmin):
    acts = ACTS
    list_display = ("asked_at", "what", "about", "amount", "state", "asked_by", "reason", "decided_by", "decided_at")
    list_select_related = ("asked_by", "decided_by")
    list_filter = (WaitingFilter,)
    search_help_text = "The id of a booking, order or approval."
    find_by = (exact("object_id", UUID), exact("pk", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        "what", "amount", "about", "state", "reason", "asked_by", "asked_at", "decided_by", "decided_at", "used_at",
    )  # fmt: skip

    def get_queryset(self, request):
        """Add the locator of the booking, or of the order's booking; looked up by name, since it is kept far above."""
        bookings = apps.get_model("bookings", "Booking").objects
        found = [bookings.filter(**{key: OuterRef("object_id")}).values("locator")[:1] for key in ("pk", "order")]
        called = {"locator": Coalesce(*[Subquery(locator) for locator in found])}
        return super().get_queryset(request).select_related("asked_by", "decided_by").annotate(**called)

    @admin.display(description="what")
    def what(self, approval) -> str:
        return WORDS[approval.act]

    @admin.display(description="amount")
    def amount(self, approval) -> str:
        return amount_of(approval)

    @admin.display(description="about")
    def about(self, approval) -> str:
        return about(approval)

    @admin.display(description="state")
    def state(self, approval) -> str:
        now = state_of(approval)
        return badge(now, {"waiting": "waiting", "refused": "failed", "granted": "running", "used": "done"}[now])
