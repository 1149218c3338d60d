from django.db import migrations

import orders.models.backups


class Migration(migrations.Migration):
    """A backup's document is kept as it was written. The table is written anew: of what is stored, a line each."""

    dependencies = [("orders", "0009_fewer_index_entries")]
    operations = [migrations.AlterField("backup", "document", orders.models.backups.WrittenJSON(null=True))]
