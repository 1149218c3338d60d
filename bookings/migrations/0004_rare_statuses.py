from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the index is made
    dependencies = [("bookings", "0003_quote")]
    operations = [
        AddIndexConcurrently(
            "booking",
            models.Index(
                fields=["status", "id"], name="booking_rare", condition=models.Q(status__in=["created", "refunded"])
            ),
        ),
    ]
