from django.db import migrations


class Migration(migrations.Migration):
    """Leave room on each page, so that a changed counter stays on it and no index is touched."""

    dependencies = [("flights", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE flights_flightcabin SET (fillfactor = 70)",
            "ALTER TABLE flights_flightcabin RESET (fillfactor)",
        )
    ]
