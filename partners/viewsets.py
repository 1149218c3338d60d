"""The doors onto money: statements, and settlements that staff record."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample

from orders.settlements import settle_owner
from partners import serializers
from partners.ledger import Statement
from partners.statements import statement_csv, statement_document, statement_for
from skybridge.api import ApiViewSet, operation, reply
from skybridge.exceptions import Forbidden

AGENCY_ID = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b77"
LINE = {
    "at": "2026-11-21T08:00:00.123456Z",
    "kind": "sale",
    "order_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11",
    "reference": "",
    "debit": 268.4,
    "credit": 0,
    "balance": 1268.4,
}
STATEMENT = {
    "account": f"agency:{AGENCY_ID}:USD",
    "currency": "USD",
    "from": "2026-11-01",
    "to": "2026-11-21",
    "opening_balance": 1000,
    "lines": [LINE],
    "closing_balance": 1268.4,
}
CSV = """at,kind,order_id,reference,debit,credit,balance
2026-11-01,opening balance,,,,,1000.00
2026-11-21T08:00:00.123456Z,sale,0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11,,268.40,0.00,1268.40
2026-11-21,closing balance,,,,,1268.40
"""
SETTLEMENT = {"agency_id": AGENCY_ID, "amount": 1000, "currency": "USD", "reference": "Transfer 4711"}
SETTLED = {
    "posting_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b99",
    "account": f"agency:{AGENCY_ID}:USD",
    "amount": 1000,
    "currency": "USD",
    "reference": "Transfer 4711",
    "balance": 268.4,
}


class StatementViewSet(ApiViewSet):
    def found(self, query: dict) -> Statement:
        return statement_for(
            self.request.user,
            agency_id=query["agency"],
            currency=query["currency"],
            first_day=query["from"],
            last_day=query["to"],
        )

    @operation(
        "Read an account's statement",
        query=serializers.StatementQuerySerializer,
        answers={200: serializers.StatementSerializer},
        refusals=[404],
        examples=[OpenApiExample("Statement", value=STATEMENT, response_only=True, status_codes=["200"])],
        tags=["Money"],
        operation_id="retrieveStatement",
    )
    def retrieve(self, request, query):
        """What moved on the caller's account, or for staff on an agency's: each line with what was owed after it."""
        return reply(statement_document(self.found(query)))

    @operation(
        "Read an account's statement as CSV",
        query=serializers.StatementQuerySerializer,
        answers={(200, "text/csv"): OpenApiTypes.STR},
        refusals=[404],
        examples=[OpenApiExample("Lines", value=CSV, response_only=True, status_codes=["200"], media_type="text/csv")],
        tags=["Money"],
        operation_id="retrieveStatementCsv",
    )
    def csv(self, request, query):
        """The same lines for a spreadsheet, between one for the opening and one for the closing balance."""
        name = f"statement-{query['from']}-{query['to']}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(statement_csv(self.found(query)), content_type="text/csv; charset=utf-8", headers=headers)


class SettlementViewSet(ApiViewSet):
    @operation(
        "Record what an agency or a traveller has paid",
        body=serializers.NewSettlementSerializer,
        answers={201: serializers.SettlementSerializer},
        refusals=[404],
        examples=[
            OpenApiExample("A transfer", value=SETTLEMENT, request_only=True),
            OpenApiExample("Recorded", value=SETTLED, response_only=True, status_codes=["201"]),
        ],
        tags=["Money"],
        operation_id="createSettlement",
    )
    def create(self, request, data):
        """Staff only: the account owes that much less. It may owe less than nothing: that is its credit."""
        if not request.user.is_staff:
            raise Forbidden
        return reply(settle_owner(**data, actor=request.user, at=timezone.now()), 201)
