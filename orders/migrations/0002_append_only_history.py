from django.db import migrations

REFUSE = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON orders_executionevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
ALLOW = "DROP TRIGGER append_only ON orders_executionevent;"


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("skybridge", "0002_append_only_events")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
