from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What was paid for quotes is looked through every minute."""

    atomic = False  # nobody waits while the index is made
    dependencies = [("partners", "0006_agent_managers")]
    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(
                fields=["settled_at"], name="payment_for_quote", condition=models.Q(purpose__startswith="quote:")
            ),
        ),
    ]
