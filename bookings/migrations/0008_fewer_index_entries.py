import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A booking without an order, as each begins, has no entry in the index of orders."""

    atomic = False  # nobody waits while the index is made
    dependencies = [("bookings", "0007_find_by_email")]
    operations = [
        AddIndexConcurrently(
            "booking",
            models.Index(fields=["order"], name="booking_by_order", condition=models.Q(order__isnull=False)),
        ),
        migrations.AlterField(
            "booking",
            "order",
            models.ForeignKey(
                db_index=False, help_text="The one order that sells it; given once and for good.", null=True,
                on_delete=django.db.models.deletion.PROTECT, related_name="bookings", to="orders.order",
            ),
        ),
    ]
