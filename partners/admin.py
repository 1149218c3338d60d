"""The back office's view of partners. What an action does is in `partners/services.py`."""

from collections.abc import Callable, Iterable

from django.contrib import admin, messages
from django.utils import timezone

from orders.settlements import set_credit_limit
from partners import services
from partners.keys import mode_of
from partners.models import Account, Agency, Agent, ApiKey, LedgerEntry, Payment, Plan, Refund, Traveller
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline
from skybridge.events import Actor
from skybridge.exceptions import DomainError


def actor_of(request) -> Actor:
    return Actor("staff", str(request.user.pk), "admin")


def for_each(request, chosen: Iterable, act: Callable[..., str]) -> None:
    """Act on each chosen row, and show what came of it or the refusal with its code."""
    for row in chosen:
        try:
            messages.success(request, act(row))
        except DomainError as refusal:
            messages.error(request, f"{row}: {refusal.message} ({refusal.code})")


def shown_once(api_key: ApiKey, key: str) -> str:
    return f"{api_key.agency}: the new key is {key} and is shown only now."


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


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    list_display = ("name", "plan", "is_active", "created_at")
    list_filter = ("is_active", "plan")
    list_select_related = ("plan",)
    search_fields = ("name",)
    readonly_fields = ("id", "created_at")
    inlines = (ApiKeyInline,)
    actions = ("create_test_key", "create_live_key")

    def save_model(self, request, obj, form, change) -> None:
        services.save_agency(obj, actor=actor_of(request))

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @admin.action(description="Create a test key", permissions=["change"])
    def create_test_key(self, request, chosen) -> None:
        self.create_key(request, chosen, "test")

    @admin.action(description="Create a live key", permissions=["change"])
    def create_live_key(self, request, chosen) -> None:
        self.create_key(request, chosen, "live")

    def create_key(self, request, chosen, mode: str) -> None:
        for_each(
            request,
            chosen,
            lambda agency: shown_once(*services.create_api_key(agency, actor=actor_of(request), mode=mode)),
        )


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    list_display = ("prefix", "agency", "mode", "name", "is_live", "expires_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("agency",)
    search_fields = ("prefix", "name", "agency__name")
    fields = readonly_fields = (
        "id",
        "agency",
        "prefix",
        "name",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    actions = ("rotate", "revoke")

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

    @admin.action(description="Replace by a new key; the old one ends at once", permissions=["change"])
    def rotate(self, request, chosen) -> None:
        for_each(request, chosen, lambda key: shown_once(*services.rotate_api_key(key, actor=actor_of(request))))

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request, chosen) -> None:
        def act(api_key: ApiKey) -> str:
            services.revoke_api_key(api_key, actor=actor_of(request))
            return f"{api_key} is revoked."

        for_each(request, chosen, act)


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ("name", "rate", "burst", "quota", "quota_period")
    search_fields = ("name",)


@admin.register(Agent)
class AgentAdmin(admin.ModelAdmin):
    list_display = ("user", "agency")
    list_select_related = ("user", "agency")
    search_fields = ("user__username", "agency__name")
    autocomplete_fields = ("user", "agency")


@admin.register(Traveller)
class TravellerAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("user_id", "issuer", "subject", "bound_at")
    search_fields = ("=user_id", "=subject")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """What an account owes is read-only; how much it may owe can be changed."""

    list_display = ("code", "kind", "agency", "balance", "credit_limit", "currency", "created_at")
    list_filter = ("kind", "currency")
    list_select_related = ("agency",)
    search_fields = ("code", "agency__name")
    ordering = ("code",)
    fields = ("code", "kind", "agency", "customer_id", "currency", "balance", "credit_limit", "created_at")

    def get_readonly_fields(self, request, obj=None) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name != "credit_limit")

    def has_change_permission(self, request, obj=None) -> bool:
        is_owner = obj is None or obj.kind in Account.OWNERS
        return is_owner and admin.ModelAdmin.has_change_permission(self, request, obj)

    def save_model(self, request, obj, form, change) -> None:
        set_credit_limit(obj.pk, obj.credit_limit, actor=actor_of(request), at=timezone.now())


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "account_id", "amount", "currency", "order_id", "reference")
    list_filter = ("kind", "currency")
    search_fields = ("=account__code", "=order_id", "=posting_id")
    ordering = ("-id",)


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = readonly_fields = ("amount", "status", "reason", "created_at", "settled_at", "failure_message")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "amount",
        "currency",
        "status",
        "is_wanted",
        "refunded_amount",
        "order_id",
        "provider",
    )
    list_filter = ("status", "provider", "is_wanted")
    search_fields = ("=id", "=order_id", "=provider_reference")
    ordering = ("-id",)
    inlines = (RefundInline,)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "amount", "status", "payment", "reason", "settled_at", "failure_message")
    list_filter = ("status",)
    list_select_related = ("payment",)
    search_fields = ("=id", "=provider_reference")
    ordering = ("-id",)
