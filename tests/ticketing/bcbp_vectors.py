"""The messages of tests/data/bcbp-vectors.json, with the fields named as `ticketing.bcbp` names them."""

import json
from pathlib import Path
from typing import Any

from ticketing.bcbp import BoardingPass, Leg, Security

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "bcbp-vectors.json").read_text()
)
TEXTS = [vector["string"] for vector in VECTORS["strict"]]
LEG_NAMES = {
    "pnr": "record_locator",
    "sequence": "sequence_number",
    "airline_numeric_code": "accounting_code",
    "document_serial": "document_number",
    "intl_doc_verification": "travel_documents",
    "ff_airline": "frequent_flyer_carrier",
    "ff_number": "frequent_flyer_number",
    "id_ad_indicator": "staff_travel_type",
    "free_baggage_allowance": "baggage_allowance",
    "airline_use": "airline_text",
}
UNIQUE_NAMES = {
    "source_of_check_in": "check_in_source",
    "source_of_issuance": "issuance_source",
    "date_of_issue": "issue_day",
    "bag_tag_1": "bag_tag",
    "bag_tag_2": "second_bag_tag",
    "bag_tag_3": "third_bag_tag",
}


def expected_pass(expected: dict[str, Any]) -> BoardingPass:
    return BoardingPass(
        passenger_name=expected["passenger_name"],
        electronic_ticket=expected["electronic_ticket_indicator"],
        version=expected["version"],
        legs=tuple(expected_leg(leg) for leg in expected["legs"]),
        security=Security(**expected["security"]) if expected["security"] else None,
        **{UNIQUE_NAMES.get(name, name): value for name, value in expected["unique"].items()},
    )


def expected_leg(expected: dict[str, Any]) -> Leg:
    """Return a leg; one with a variable part has an airline's text, if only an empty one."""
    values = {LEG_NAMES.get(name, name): value for name, value in expected.items() if name != "variable_size"}
    if expected["variable_size"]:
        values["airline_text"] = values["airline_text"] or ""
    return Leg(**values)


def mandatory_value(boarding_pass: BoardingPass, path: str) -> str:
    """Return what a path of `expected_mandatory` names, such as legs.0.origin."""
    match path.split("."):
        case ["legs", position, name]:
            return getattr(boarding_pass.legs[int(position)], LEG_NAMES.get(name, name))
        case ["electronic_ticket_indicator"]:
            return boarding_pass.electronic_ticket
        case [name]:
            return getattr(boarding_pass, name)
    raise KeyError(path)
