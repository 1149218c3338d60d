import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A product sold has no entry in the index of bookings."""

    atomic = False  # nobody waits while the index is made
    dependencies = [("orders", "0008_find_by_email"), ("bookings", "0008_fewer_index_entries")]
    operations = [
        AddIndexConcurrently(
            "orderitem",
            models.Index(fields=["booking"], name="item_by_booking", condition=models.Q(booking__isnull=False)),
        ),
        migrations.AlterField(
            "orderitem",
            "booking",
            models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="order_items",
                to="bookings.booking",
            ),
        ),
    ]
