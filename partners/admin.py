"""The back office's view of partners. What an action does is in `partners/services.py`."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from orders.settlements import set_credit_limit
from partners import services
from partners.acts import AGENCY_ACTS, KEY_ACTS
from partners.keys import mode_of
from partners.models import Account, Agency, Agent, ApiKey, LedgerEntry, Payment, Plan, Refund, Traveller
from skybridge import history
from skybridge.acts import ActsAdmin
from skybridge.admin import HistoryMixin, ListMixin, ReadOnlyAdmin, ReadOnlyInline, RecordingAdmin, facts
from skybridge.events import Actor
from skybridge.lists import MadeFilter, NumberedDayFilter, StatusFilter, amount, by_id, exact, link, money, status
from skybridge.versioned_admin import VersionedAdmin

TO_AGENCY = link("to_agency", "partners_agency", "agency_id", "agency", "agency")
TO_ACCOUNT = link("to_account", "partners_account", "account_id", "account_id", "account")
TO_ORDER = link("order_link", "orders_order", "order_id", "order_id", "order")
TO_PAYMENT = link("to_payment", "partners_payment", "payment_id", "payment_id", "payment")


def actor_of(request) -> Actor:
    return Actor("staff", str(request.user.pk), "admin")


class AgencyFilter(admin.SimpleListFilter):
    """Some agencies to choose from, and the chosen one; the page of an agency leads to what it has sold."""

    title = parameter_name = "agency"
    offered = 15

    def lookups(self, request, model_admin):
        agencies = list(Agency.objects.order_by("name").values_list("pk", "name")[: self.offered])
        chosen = agency_id(self.value())
        if chosen and chosen not in dict(agencies):
            agencies += Agency.objects.filter(pk=chosen).values_list("pk", "name")
        return [(str(pk), name) for pk, name in agencies]

    def has_output(self) -> bool:
        return bool(self.lookup_choices)

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        chosen = agency_id(self.value())
        return queryset.filter(agency=chosen) if chosen else queryset.none()


def agency_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


class ReadOnly:
    """Nobody adds, changes or deletes these rows by hand."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class ApiKeyInline(ReadOnly, admin.TabularInline):
    model = ApiKey
    fields = readonly_fields = ("prefix", "name", "created_at", "expires_at", "last_used_at", "revoked_at")
    extra = 0
    show_change_link = True
    template = "admin/edit_inline/parts.html"


@admin.register(Agency)
class AgencyAdmin(ActsAdmin, VersionedAdmin, HistoryMixin, ListMixin, admin.ModelAdmin):
    list_display = ("name", "plan", "is_active", "created_at")
    list_filter = ("is_active", "plan")
    list_select_related = ("plan",)
    sortable_by = None
    search_fields = ("^name",)
    ordering = ("name",)
    readonly_fields = ("id", "created_at", "related")
    inlines = (ApiKeyInline,)
    acts = AGENCY_ACTS

    @admin.display(description="see also")
    def related(self, agency) -> str:
        lists = {"bookings_booking": "Bookings", "orders_order": "Orders", "partners_account": "Accounts"}
        links = [(f"{reverse(f'admin:{name}_changelist')}?agency={agency.pk}", words) for name, words in lists.items()]
        return format_html_join(", ", '<a href="{}">{}</a>', links) if agency.created_at else "–"

    def history_subjects(self, obj):
        """Add its keys and accounts, whose events are recorded under the agency's id."""
        return super().history_subjects(obj) | history.parts_of(("key", ApiKey.objects.filter(agency=obj), "prefix"))

    def save_model(self, request, obj, form, change) -> None:
        services.save_agency(obj, actor=actor_of(request))

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ActsAdmin, HistoryMixin, ListMixin, admin.ModelAdmin):
    list_display = ("prefix", TO_AGENCY, "mode", "name", "is_live", "expires_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("agency",)
    search_fields = ("^prefix", "^name", "^agency__name")
    ordering = ("-id",)
    fields = readonly_fields = (
        "id",
        TO_AGENCY,
        "prefix",
        "name",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    acts = KEY_ACTS

    def has_add_permission(self, request) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @admin.display(description="mode")
    def mode(self, api_key: ApiKey) -> str:
        return mode_of(api_key.prefix)

    @admin.display(description="live", boolean=True)
    def is_live(self, api_key: ApiKey) -> bool:
        return services.is_live(api_key, timezone.now())


@admin.register(Plan)
class PlanAdmin(RecordingAdmin):
    list_display = ("name", "rate", "burst", "quota", "quota_period")
    search_fields = ("^name",)


@admin.register(Agent)
class AgentAdmin(RecordingAdmin):
    list_display = ("user", "agency", "is_manager")
    list_select_related = ("user", "agency")
    search_fields = ("^user__username", "^agency__name")
    raw_id_fields = ("user", "agency")


@admin.register(Traveller)
class TravellerAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "issuer", "subject", "bound_at")
    search_help_text = "A user id."
    find_by = (exact("pk"),)
    ordering = ("pk",)


@admin.register(Account)
class AccountAdmin(VersionedAdmin, ReadOnlyAdmin):
    """What an account owes is read-only; how much it may owe can be changed."""

    list_display = ("code", "kind", TO_AGENCY, amount("balance"), amount("credit_limit"), "created_at")
    list_filter = ("kind", AgencyFilter)
    list_select_related = ("agency",)
    search_help_text = "A code, an agency's name or id, or a customer's id."
    find_by = (
        exact("code"),
        lambda text: Q(agency__in=list(Agency.objects.filter(name__iexact=text)[:2])),
        exact("agency", UUID),
        lambda text: Q(code__startswith=f"customer:{text}:"),
    )
    ordering = ("code",)
    known = ("kind", "agency", "customer_id", "currency", amount("balance"), "created_at")
    readonly_fields = (*known, amount("credit_limit"))

    def get_fields(self, request, obj=None):
        """Let the limit be changed by whom may, and show it to others with its currency."""
        limit = "credit_limit" if self.has_change_permission(request, obj) else self.readonly_fields[-1]
        return (*self.known, limit)

    def has_change_permission(self, request, obj=None) -> bool:
        is_owner = obj is None or obj.kind in Account.OWNERS
        return is_owner and admin.ModelAdmin.has_change_permission(self, request, obj)

    def save_model(self, request, obj, form, change) -> None:
        set_credit_limit(obj.pk, obj.credit_limit, actor=actor_of(request), at=timezone.now())


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", TO_ACCOUNT, amount("amount"), TO_ORDER, "reference")
    list_display_links = ("at",)
    list_filter = (NumberedDayFilter,)
    search_help_text = "An account's code, or the id of an order or posting."
    find_by = (exact("account_id"), exact("order_id", UUID), exact("posting_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        "posting_id", "at", "kind", TO_ACCOUNT, amount("amount"), TO_ORDER, "reference",
    )  # fmt: skip


@admin.display(description="amount")
def refund_amount_column(refund) -> str:
    return money(refund.amount, refund.payment.currency)


refund_amount: Any = refund_amount_column


class RefundInline(ReadOnlyInline):
    model = Refund
    ordering = ("-id",)
    fields = readonly_fields = (refund_amount, status, "reason", "created_at", "settled_at", "failure_message")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("payment")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", amount("amount"), status, "is_wanted", amount("refunded_amount"), TO_ORDER, "provider",
    )  # fmt: skip
    list_filter = (("status", StatusFilter), MadeFilter)
    search_help_text = "The id of a payment or order."
    find_by = (by_id, exact("order_id", UUID))
    ordering = ("-id",)
    fieldsets = facts(
        ("Money", (amount("amount"), amount("refunded_amount"), TO_ORDER, TO_ACCOUNT, "purpose")),
        ("Provider", ("provider", "provider_reference", "failure_code", "failure_message", "is_wanted")),
        ("Times", ("created_at", "called_at", "asked_at", "settled_at")),
    )
    readonly_fields = flatten_fieldsets(fieldsets)
    inlines = (RefundInline,)

    def called(self, obj) -> str:
        return money(obj.amount, obj.currency)

    def history_subjects(self, obj):
        """Add its refunds."""
        return super().history_subjects(obj) | history.parts_of(
            ("refund", Refund.objects.filter(payment=obj), "amount")
        )


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", refund_amount, status, TO_PAYMENT, "reason", "settled_at", "failure_message")
    list_filter = ("status", MadeFilter)
    list_select_related = ("payment",)
    search_help_text = "The id of a refund or payment."
    find_by = (by_id, exact("payment_id", UUID))
    ordering = ("-id",)
    fields = readonly_fields = (
        TO_PAYMENT, refund_amount, "reason", "provider_reference", "failure_code", "failure_message",
        "created_at", "called_at", "settled_at",
    )  # fmt: skip

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("payment")

    def called(self, obj) -> str:
        return money(obj.amount, obj.payment.currency)
