from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON skybridge_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
ALLOW = "DROP TRIGGER append_only ON skybridge_event; DROP FUNCTION refuse_change();"


class Migration(migrations.Migration):
    dependencies = [("skybridge", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
