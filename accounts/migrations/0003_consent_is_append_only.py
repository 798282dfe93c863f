"""What a member agreed to is never rewritten: the database itself refuses UPDATE and DELETE.

`salon_append_only` serves every append-only table of the house.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION salon_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
TRIGGER = """
CREATE TRIGGER consentevent_append_only BEFORE UPDATE OR DELETE ON accounts_consentevent
FOR EACH ROW EXECUTE FUNCTION salon_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION salon_append_only()"),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER consentevent_append_only ON accounts_consentevent"),
    ]
