from django.db import migrations


class Migration(migrations.Migration):
    """The serial of ticket numbers: ten digits behind the carrier's accounting code."""

    dependencies = [("ticketing", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE ticketing_serial MINVALUE 1 MAXVALUE 9999999999 START 2400000001",
            "DROP SEQUENCE ticketing_serial",
        )
    ]
