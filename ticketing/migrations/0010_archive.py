from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

ARCHIVED = [
    """
    CREATE TRIGGER archived_first BEFORE DELETE ON ticketing_scan FOR EACH ROW
        WHEN (current_setting('skybridge.archiving', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON ticketing_scan
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
]
NEVER = [
    """
    CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON ticketing_scan
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    "DROP TRIGGER archived_first ON ticketing_scan",
]


class Migration(migrations.Migration):
    """Scans may be deleted by the archive alone; what it deletes is found by whatever refers to it."""

    atomic = False  # nobody waits while the indexes are made
    dependencies = [("ticketing", "0009_fewer_index_entries")]
    operations = [
        AddIndexConcurrently("boardingpass", models.Index(fields=["flight"], name="pass_by_flight")),
        AddIndexConcurrently(
            "ticket",
            models.Index(
                fields=["exchanged_from"], name="ticket_by_exchanged",
                condition=models.Q(exchanged_from__isnull=False),
            ),
        ),
        migrations.RunSQL(ARCHIVED, NEVER),
    ]
