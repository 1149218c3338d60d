from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the index is made
    dependencies = [("bookings", "0006_find_by_phone")]
    operations = [
        AddIndexConcurrently(
            "booking",
            models.Index(
                OpClass(Lower("contact_email"), name="text_pattern_ops"),
                "id",
                name="booking_by_email",
                condition=~models.Q(contact_email=""),
            ),
        ),
    ]
