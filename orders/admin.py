"""The back office of orders: products, orders, the executions that process them (with a picture), and backups."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from bookings.models import Booking
from orders import services, workflow
from orders.captions import advice, attempt_rows, duration_text
from orders.drawings import drawing_of
from orders.models import Backup, Execution, ExecutionEvent, Order, OrderItem, Product
from orders.pictures import Picture, picture_of
from skybridge.admin import ReadOnlyAdmin, ReadOnlyInline, staff_caller
from skybridge.exceptions import DomainError

STYLES = {"all": ["skybridge/execution.css"]}


class CauseForm(ActionForm):
    """The list's form for actions; stopping needs a cause."""

    cause = forms.CharField(required=False, max_length=500, label="Cause of stopping")


class StateFilter(admin.SimpleListFilter):
    """Offer the workflow's states without asking the table for those that it has."""

    title = parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(state.name, state.name) for state in workflow.STATES]

    def queryset(self, request, queryset):
        return queryset.filter(state=self.value()) if self.value() else queryset


def history_of(execution: Execution) -> list[ExecutionEvent]:
    """Return an execution's whole history, oldest first. One statement."""
    return list(ExecutionEvent.objects.filter(execution=execution).order_by("event_id"))


def seen(execution: Execution, history: list[ExecutionEvent]) -> Picture:
    return picture_of(execution, history, workflow.STATES, timezone.now())


class ProductForm(forms.ModelForm):
    """Stock is changed by a number of pieces: what was sold while somebody looked at the form stays sold."""

    pieces = forms.IntegerField(label="Pieces to add", initial=0, help_text="Negative: to take away.")

    class Meta:
        model = Product
        fields = ("product_id", "name", "category", "price", "currency", "on_sale", "rfic", "rfisc")

    @property
    def changed_data_of_model(self) -> list[str]:
        return [name for name in self.changed_data if name != "pieces"]


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    form = ProductForm
    list_display = ("product_id", "name", "category", "price", "currency", "stock", "on_sale", "rfic", "rfisc")
    list_filter = ("category", "on_sale")
    search_fields = ("=product_id", "^name")

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def get_readonly_fields(self, request, obj=None):
        return ("product_id", "currency", "stock") if obj else ()

    def save_model(self, request, obj, form, change) -> None:
        try:
            pieces = form.cleaned_data["pieces"]
            services.change_product(obj, form.changed_data_of_model, pieces, actor=staff_caller(request))
        except DomainError as refusal:
            self.message_user(request, f"{refusal.message} ({refusal.code})", messages.ERROR)


class OrderItemInline(ReadOnlyInline):
    model = OrderItem
    fields = ("position", "description", "product", "booking", "quantity", "price")
    show_change_link = False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "created_at", "agency", "customer_id", "total_amount", "refunded_amount")
    list_select_related = ("agency",)
    list_filter = ("status", "payment_method")
    search_fields = ("=id", "=customer_id")
    ordering = ("-id",)
    fields = readonly_fields = (
        "status", "processing", "agency", "customer_id", "contact_email", "total_amount", "refunded_amount", "currency",
        "payment_method", "created_at", "updated_at", "lapses_at", "deleted_at", "version",
    )  # fmt: skip
    inlines = (OrderItemInline,)
    actions = ("cancel",)

    class Media:
        css = STYLES

    @admin.display(description="processing")
    def processing(self, order) -> str:
        """Draw the order's execution in one row."""
        execution = Execution.objects.filter(pk=order.pk).first()
        if execution is None:
            return "-"
        execution.order = order
        page = reverse("admin:orders_execution_change", args=[order.pk])
        picture = seen(execution, history_of(execution))
        return render_to_string("orders/steps.html", {"picture": picture, "page": page})

    @admin.action(permissions=["act"], description="Cancel: give stock, seats and money back")
    def cancel(self, request, orders):
        for order in orders:
            try:
                services.change_status(order.pk, Order.Status.CANCELLED, caller=staff_caller(request))
            except DomainError as refusal:
                self.message_user(request, f"{order}: {refusal.message} ({refusal.code})", messages.ERROR)
            else:
                self.message_user(request, f"{order} is cancelled.", messages.SUCCESS)

    def has_act_permission(self, request) -> bool:
        return request.user.has_perm("orders.change_order")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("order_id", "status", "state", "started_at", "took", "error")
    list_filter = ("status", StateFilter)
    search_fields = ("=order__id",)
    search_help_text = "An order id."
    ordering = ("-order_id",)
    action_form = CauseForm
    actions = ("stop", "redrive")

    class Media:
        css = STYLES

    @admin.display(description="duration", ordering="started_at")
    def took(self, execution) -> str:
        span = (execution.stopped_at or timezone.now()) - execution.started_at
        return duration_text(span) + ("" if execution.stopped_at else " so far")

    def has_act_permission(self, request) -> bool:
        return request.user.has_perm("orders.change_execution")

    @admin.action(permissions=["act"], description="Stop, undo and cancel (give a cause)")
    def stop(self, request, executions):
        for execution in executions:
            self.stop_one(request, execution.pk)

    @admin.action(permissions=["act"], description="Redrive: go on at the state that failed")
    def redrive(self, request, executions):
        for execution in executions:
            self.redrive_one(request, execution.pk)

    def stop_one(self, request, order_id) -> None:
        cause = request.POST.get("cause", "").strip()[:500]
        if not cause:
            self.message_user(request, f"{order_id}: Say why it is stopped. (cause_missing)", messages.ERROR)
            return
        self.act(request, order_id, lambda caller: services.stop_execution(order_id, caller=caller, reason=cause))

    def redrive_one(self, request, order_id) -> None:
        token = request.POST.get("payment_token", "").strip()
        self.act(
            request,
            order_id,
            lambda caller: services.redrive_execution(order_id, caller=caller, payment_token=token),
        )

    def act(self, request, order_id, service) -> None:
        """Call a service as the member of staff; a refusal becomes a message with its code."""
        try:
            execution = service(staff_caller(request))
        except DomainError as refusal:
            self.message_user(request, f"{order_id}: {refusal.message} ({refusal.code})", messages.ERROR)
        else:
            self.message_user(request, f"The execution of order {order_id} is {execution.status}.", messages.SUCCESS)

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<uuid:order_id>/stop/", view(self.stop_view), name="orders_execution_stop"),
            path("<uuid:order_id>/redrive/", view(self.redrive_view), name="orders_execution_redrive"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def stop_view(self, request, order_id):
        return self.carried_out(request, order_id, self.stop_one)

    @method_decorator(require_POST)
    def redrive_view(self, request, order_id):
        return self.carried_out(request, order_id, self.redrive_one)

    def carried_out(self, request, order_id, action):
        """Act and return to the execution's page."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        action(request, order_id)
        return redirect("admin:orders_execution_change", order_id)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("order")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= self.shown(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def shown(self, request, execution: Execution) -> dict:
        """Return what the page of an execution shows. Two statements."""
        history = history_of(execution)
        picture = seen(execution, history)
        return {
            "title": f"Execution of order {execution.pk}",
            "subtitle": None,
            "execution": execution,
            "history": history,
            "picture": picture,
            "drawing": drawing_of(picture),
            "attempts": attempt_rows(picture),
            "advice": advice(execution, picture),
            "bookings": Booking.objects.filter(order_id=execution.pk).order_by("pk").only("locator", "status"),
            "actions": execution.available_actions if self.has_act_permission(request) else [],
            **pages(execution),
        }


def pages(execution: Execution) -> dict[str, str]:
    """Return the addresses of an execution's order and of what happened to it."""
    return {
        "order_page": reverse("admin:orders_order_change", args=[execution.pk]),
        "events_page": f"{reverse('admin:skybridge_event_changelist')}?q={execution.pk}",
    }


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin):
    list_display = ("stream", "kind", "version", "taken_at", "stored_at", "sha256")
    list_filter = ("kind", ("stored_at", admin.EmptyFieldListFilter))
    search_fields = ("=stream",)
    exclude = ("document",)
    ordering = ("-id",)
