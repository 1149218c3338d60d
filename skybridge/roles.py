"""Who may do what in the back office: six roles, each a group with exactly the permissions of this table.

The table is carried into the database after every `migrate` (`apply`). Other groups are the administrators' own and are
left alone. A member of staff has any number of groups; what one role may not do, another may give.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction

# What there is to see, in the words of the roles.
FLIGHTS = "flights.airport flights.carrier flights.fare flights.flight flights.flightcabin flights.seathold"
DISRUPTIONS = "orders.disruption orders.disruptedbooking"
BOOKINGS = "bookings.booking bookings.quote ticketing.ticket ticketing.coupon ticketing.emd"
DEPARTURES = "ticketing.departure ticketing.boardingpass ticketing.bag ticketing.bagtagseries ticketing.scan"
DOCUMENTS = "ticketing.traveldocument"
ORDERS = "orders.order orders.orderitem orders.orderquote orders.product orders.execution orders.executionevent"
BACKUPS = "orders.backup"
MONEY = "partners.account partners.ledgerentry partners.payment partners.refund"
PARTNERS = "partners.agency partners.apikey partners.agent partners.plan partners.traveller"
LOG = "skybridge.event skybridge.approval"
STAFF = "auth.user auth.group skybridge.staffsession axes.accessattempt admin.logentry"
KEYS = "skybridge.idempotencykey"

SELLING = "confirm_booking cancel_booking change_itinerary extend_hold refund_booking cancel_order"
DEPARTING = "check_in board"


@dataclass(frozen=True)
class Role:
    """`sees` names models, `changes` permissions on models, `does` the acts of `skybridge.models.Act`."""

    work: str
    sees: tuple[str, ...]
    changes: str = ""
    does: str = ""

    def permissions(self) -> set[str]:
        """Return the role's permissions as `app.codename`."""
        models = [label.split(".") for group in self.sees for label in group.split()]
        acts = {f"skybridge.{act}" for act in self.does.split()}
        return {f"{app}.view_{model}" for app, model in models} | set(self.changes.split()) | acts


ROLES = {
    "viewer": Role(
        "Looks things up and changes nothing.",
        sees=(FLIGHTS, DISRUPTIONS, BOOKINGS, DEPARTURES, ORDERS),
    ),
    "reservations": Role(
        "Sells, changes, cancels and refunds bookings for customers.",
        sees=(FLIGHTS, DISRUPTIONS, BOOKINGS, DEPARTURES, ORDERS, LOG, "partners.agency partners.payment"),
        does=SELLING,
    ),
    "check-in": Role(
        "Checks passengers in and boards them.",
        sees=(FLIGHTS, DISRUPTIONS, BOOKINGS, DEPARTURES, DOCUMENTS),
        does=DEPARTING,
    ),
    "supervisor": Role(
        "Leads reservations and departures: disruptions, waivers, the second word on refunds and waivers.",
        sees=(FLIGHTS, DISRUPTIONS, BOOKINGS, DEPARTURES, DOCUMENTS, ORDERS, BACKUPS, MONEY, LOG, "partners.agency"),
        changes="flights.add_carrier flights.change_carrier",
        does=f"{SELLING} {DEPARTING} process_order stop_execution redrive_execution store_backup disrupt_flight "
        "block_seats waive_penalty approve_refund approve_waiver import_schedule export",
    ),
    "finance": Role(
        "Keeps accounts, credit limits and prices; gives the second word on refunds.",
        sees=(FLIGHTS, BOOKINGS, ORDERS, BACKUPS, MONEY, LOG, "partners.agency partners.plan"),
        changes="partners.change_account orders.add_product orders.change_product",
        does="settle_account refund_booking approve_refund export",
    ),
    "administrator": Role(
        "Looks after agencies, their keys and plans, and after staff: users, roles, sessions.",
        sees=(FLIGHTS, DISRUPTIONS, BOOKINGS, ORDERS, BACKUPS, PARTNERS, LOG, STAFF, KEYS),
        changes="partners.add_agency partners.change_agency partners.add_plan partners.change_plan "
        "partners.add_agent partners.change_agent partners.delete_agent auth.add_user auth.change_user "
        "auth.add_group auth.change_group",
        does="manage_api_keys revoke_session unlock_sign_in reset_second_factor stop_execution redrive_execution "
        "store_backup export",
    ),
}  # nobody's: use_api, which does all; superusers give it to a group of their own


def apply_after_migrate(using: str, **_) -> None:
    """Receive `post_migrate` of the last app, when all permissions exist."""
    if using == "default" and Group._meta.db_table in connection.introspection.table_names():
        apply()


@transaction.atomic
def apply() -> list[str]:
    """Give each role's group exactly its permissions. Safe to repeat; four statements when nothing differs.

    Returns the permissions of the table that the database does not know.
    """
    known = permission_ids({name for role in ROLES.values() for name in role.permissions()})
    groups = {group.name: group for group in Group.objects.filter(name__in=ROLES).prefetch_related("permissions")}
    for name, role in ROLES.items():
        group = groups.get(name) or Group.objects.get_or_create(name=name)[0]
        wanted = {known[permission] for permission in role.permissions() if permission in known}
        if wanted != {permission.pk for permission in group.permissions.all()}:
            group.permissions.set(wanted)
    return sorted({name for role in ROLES.values() for name in role.permissions()} - known.keys())


def permission_ids(names: Iterable[str]) -> dict[str, int]:
    """Return the ids of permissions by `app.codename`; those that do not exist are left out. One statement."""
    codenames = {name.partition(".")[2] for name in names}
    rows = Permission.objects.filter(codename__in=codenames).order_by()
    found = rows.values_list("content_type__app_label", "codename", "pk")
    return {f"{app}.{codename}": pk for app, codename, pk in found if f"{app}.{codename}" in names}
