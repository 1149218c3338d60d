"""The OpenAPI document says how to show who is calling."""

from drf_spectacular.generators import SchemaGenerator


def test_the_three_ways_are_in_the_document():
    document = SchemaGenerator(urlconf="tests.partners.urls").get_schema(public=True)
    schemes = document["components"]["securitySchemes"]
    assert (schemes["ApiKeyAuth"]["type"], schemes["ApiKeyAuth"]["in"], schemes["ApiKeyAuth"]["name"]) == (
        "apiKey",
        "header",
        "x-api-key",
    )
    assert (schemes["BearerAuth"]["scheme"], schemes["BearerAuth"]["bearerFormat"]) == ("bearer", "JWT")
    assert (schemes["SessionAuth"]["in"], schemes["SessionAuth"]["name"]) == ("cookie", "sessionid")
    security = document["paths"]["/whoami"]["get"]["security"]
    assert [*map(list, security)] == [["ApiKeyAuth"], ["BearerAuth"], ["SessionAuth"]]
