from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the index is made
    dependencies = [("partners", "0004_ground_handlers")]
    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(
                fields=["status", "id"],
                name="payment_not_made",
                condition=models.Q(status__in=["declined", "canceled"]),
            ),
        ),
    ]
