from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the indexes are made
    dependencies = [("orders", "0007_disruptions")]
    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(fields=["id"], name="order_deleted", condition=models.Q(deleted_at__isnull=False)),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                OpClass(Lower("contact_email"), name="text_pattern_ops"),
                "id",
                name="order_by_email",
                condition=models.Q(deleted_at=None) & ~models.Q(contact_email=""),
            ),
        ),
    ]
