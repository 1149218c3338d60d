from django.db import migrations, models

ONLY_NUMBERED = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ticket_numbered_once ON ticketing_ticket (number) WHERE number IS NOT NULL;
ALTER TABLE ticketing_ticket DROP CONSTRAINT IF EXISTS ticket_number_once;
ALTER INDEX ticket_numbered_once RENAME TO ticket_number_once;
"""
ALL = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ticket_any_number_once ON ticketing_ticket (number);
DROP INDEX IF EXISTS ticket_number_once;
ALTER TABLE ticketing_ticket ADD CONSTRAINT ticket_number_once UNIQUE USING INDEX ticket_any_number_once;
"""
CONSTRAINT = models.UniqueConstraint(
    condition=models.Q(number__isnull=False), fields=("number",), name="ticket_number_once"
)


class Migration(migrations.Migration):
    """A ticket without a number, as each begins, has no entry in the index of numbers."""

    atomic = False  # nobody waits while the index is made
    dependencies = [("ticketing", "0008_plurals")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ONLY_NUMBERED.strip().splitlines(), ALL.strip().splitlines()),
            ],
            state_operations=[
                migrations.RemoveConstraint("ticket", "ticket_number_once"),
                migrations.AddConstraint("ticket", CONSTRAINT),
            ],
        )
    ]
