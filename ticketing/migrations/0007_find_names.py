"""Passengers are found by the beginning of their name, whatever its case and accents.

`fold_name` is the one form in which names are compared; its collation does not depend on the database's. Unnamed
passengers, whose seats are held in masses, are not in the index.
"""

from django.db import migrations

FOLD = r"""
CREATE FUNCTION fold_name(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(
        replace(replace(replace(replace(
            translate(lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f''’‘`´ʻ]+', '', 'g') COLLATE "pg_c_utf8"),
                'øłđðıħ', 'olddih'),
            'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss'), 'þ', 'th'),
        '[^[:alnum:]]+' COLLATE "pg_c_utf8", ' ', 'g'))
$$
"""
INDEX = """
CREATE INDEX ticket_by_name ON ticketing_ticket
    (fold_name(surname) text_pattern_ops, fold_name(given_name) text_pattern_ops) WHERE surname <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0006_append_only_scans")]
    operations = [
        migrations.RunSQL(FOLD, "DROP FUNCTION fold_name(text)"),
        migrations.RunSQL(INDEX, "DROP INDEX ticket_by_name"),
    ]
