from django.db import migrations

REFUSE = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON partners_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON partners_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE DELETE ON partners_account
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION check_posting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender text;
BEGIN
    SELECT posting_id INTO offender FROM entry GROUP BY posting_id, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting % is not balanced', offender USING ERRCODE = 'check_violation',
            CONSTRAINT = 'posting_is_balanced';
    END IF;
    SELECT e.account_id INTO offender FROM entry e
    WHERE NOT EXISTS (SELECT FROM partners_account a WHERE a.code = e.account_id AND a.currency = e.currency) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no account % of this currency', offender USING ERRCODE = 'foreign_key_violation',
            CONSTRAINT = 'entry_has_account';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balanced AFTER INSERT ON partners_ledgerentry
    REFERENCING NEW TABLE AS entry FOR EACH STATEMENT EXECUTE FUNCTION check_posting();
"""
ALLOW = """
DROP TRIGGER balanced ON partners_ledgerentry;
DROP FUNCTION check_posting();
DROP TRIGGER stays ON partners_account;
DROP TRIGGER never_emptied ON partners_ledgerentry;
DROP TRIGGER append_only ON partners_ledgerentry;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0002_ledger_and_payments"), ("skybridge", "0002_append_only_events")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
