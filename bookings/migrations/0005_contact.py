from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0004_rare_statuses")]
    operations = [
        migrations.AddField("booking", "contact_email", models.EmailField(blank=True, db_default="")),
        migrations.AddField(
            "booking",
            "contact_phone",
            models.CharField(
                max_length=15, blank=True, db_default="", help_text="Digits with country code, without plus (E.164)."
            ),
        ),
    ]
