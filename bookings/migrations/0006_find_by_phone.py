from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

HAS_PHONE = ~models.Q(contact_phone="")


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the indexes are made
    dependencies = [("bookings", "0005_contact")]
    operations = [
        AddIndexConcurrently(
            "booking", models.Index(fields=["contact_phone", "id"], name="booking_by_phone", condition=HAS_PHONE)
        ),
        AddIndexConcurrently(
            "booking",
            models.Index(fields=["agency", "contact_phone", "id"], name="booking_by_agency_phone", condition=HAS_PHONE),
        ),
    ]
