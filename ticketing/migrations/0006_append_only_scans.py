from django.db import migrations

REFUSE = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ticketing_scan
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
ALLOW = "DROP TRIGGER append_only ON ticketing_scan;"


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0005_departure_control"), ("skybridge", "0002_append_only_events")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
