"""The back office's site: Django's admin under the airline's name, its lists grouped in the words of an airline."""

from importlib import import_module

from django.conf import settings
from django.contrib.admin import AdminSite, autodiscover
from django.urls import NoReverseMatch, reverse

# Each group's lists in their order. What is not named here is found under System.
GROUPS = {
    "Reservations": "bookings.Booking ticketing.Ticket ticketing.Coupon ticketing.Emd bookings.Quote",
    "Flights": "flights.Flight flights.FlightCabin flights.Fare flights.Airport flights.Carrier",
    "Departure control": "ticketing.Departure ticketing.BoardingPass ticketing.Bag ticketing.Scan "
    "ticketing.TravelDocument ticketing.BagTagSeries orders.Disruption orders.DisruptedBooking",
    "Orders and money": "orders.Order orders.Execution orders.Product orders.OrderItem orders.OrderQuote "
    "skybridge.Approval partners.Payment partners.Refund partners.Account partners.LedgerEntry",
    "Partners": "partners.Agency partners.ApiKey partners.Agent partners.Plan partners.Traveller",
    "System": "auth.User auth.Group skybridge.Event orders.Backup skybridge.IdempotencyKey",
}
ORDER = {
    label.lower(): (group, position)
    for group, labels in GROUPS.items()
    for position, label in enumerate(labels.split())
}
LAST = ("System", 1000)


class BackOffice(AdminSite):
    site_header = site_title = f"{settings.AIRLINE_NAME} back office"
    index_title = "Back office"
    empty_value_display = "–"

    def get_app_list(self, request, app_label=None):
        """Return the lists that the member of staff may see, by group; those of one app as Django has them."""
        apps = super().get_app_list(request, app_label)
        return apps if app_label else grouped(apps)

    def each_context(self, request):
        return {**super().each_context(request), "airline": settings.AIRLINE_NAME, "permissions_page": page_or_none()}


def open_lists() -> None:
    """Load every app's admin module, then our own for what other packages have registered."""
    autodiscover()
    import_module("skybridge.approval_admin")
    import_module("skybridge.staff_admin")


def page_or_none() -> str | None:
    """Return the address of the page of roles and permissions, if the back office has it."""
    try:
        return reverse("admin:permissions")
    except NoReverseMatch:
        return None


def section_of(opts) -> str:
    """Return the group of a model's list."""
    return ORDER.get(opts.label_lower, LAST)[0]


def grouped(apps: list[dict]) -> list[dict]:
    """Turn Django's list of apps into one of groups, each in the shape of an app."""
    groups: dict[str, list] = {group: [] for group in GROUPS}
    for model in (model for app in apps for model in app["models"]):
        group, position = ORDER.get(model["model"]._meta.label_lower, LAST)
        groups[group].append((position, model["name"], model))
    return [group_of(name, models) for name, models in groups.items() if models]


def group_of(name: str, models: list[tuple[int, str, dict]]) -> dict:
    listed = [model for _, _, model in sorted(models, key=lambda entry: entry[:2])]
    label = name.lower().replace(" ", "-")
    return {"name": name, "app_label": label, "app_url": "", "has_module_perms": True, "models": listed}
