"""How many orders an agency has: kept, since counting them takes as long as there are many."""

from django.db import models

from partners.models import Agency


class Tally(models.Model):
    """The orders of an agency that are not deleted, counted once and kept up by `orders/numbered_pages.py`."""

    agency = models.OneToOneField(Agency, on_delete=models.CASCADE, primary_key=True, related_name="+")
    orders = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.orders} orders"
