"""Products: what is sold beside flights, with their stock."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from skybridge.money import rounded


class ProductQuerySet(models.QuerySet):
    def for_sale(self, query: dict):
        """Keep what a list's query parameters ask for."""
        found = self.filter(on_sale=True)
        if "category" in query:
            found = found.filter(category=query["category"])
        if "in_stock" in query:
            found = found.filter(stock__gt=0) if query["in_stock"] else found.filter(stock=0)
        return found


class Product(models.Model):
    """Something sold beside flights: an ancillary such as a bag, or goods. Stock changes only by conditional UPDATE."""

    class Category(models.TextChoices):
        BAGGAGE = "baggage"
        SEAT = "seat"
        MEAL = "meal"
        LOUNGE = "lounge"
        SERVICE = "service"
        GOODS = "goods"

    product_id = models.CharField(max_length=50, primary_key=True)
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=8, choices=Category, default=Category.GOODS)
    price = models.DecimalField(max_digits=12, decimal_places=4)
    currency = models.CharField(max_length=3, validators=[RegexValidator("^[A-Z]{3}$", "Three capital letters.")])
    stock = models.PositiveIntegerField(default=0, help_text="Pieces that can be sold.")
    on_sale = models.BooleanField(default=True)
    rfic = models.CharField(
        "reason for issuance code", max_length=1, blank=True, db_default="",
        help_text="A air transport, B surface, C baggage, D financial, E airport services, F goods, G on board, I own. "
        "Empty: no EMD is issued for it.",
    )  # fmt: skip
    rfisc = models.CharField("reason for issuance sub-code", max_length=3, blank=True, db_default="")

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative")]
        indexes = [models.Index(fields=["category", "product_id"], name="product_by_category")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.name}"

    def clean(self) -> None:
        """Refuse a price that its currency cannot have."""
        if self.price is not None and rounded(self.price, self.currency) != self.price:
            raise ValidationError({"price": f"{self.currency} has no such small parts."})
