"""Bar coded boarding passes: the one line of text inside the symbol, written and read.

`layout` has the fields, `decoding` and `encoding` the two directions, `values` and `dates` what goes into single
fields. docs/boarding-passes.md tells the format. Source: IATA Resolution 792.
"""

from ticketing.bcbp.dates import day_of_year, flight_date, issue_date, issue_day
from ticketing.bcbp.decoding import Reading, decode, decode_leniently, signed_part
from ticketing.bcbp.encoding import encode
from ticketing.bcbp.layout import BcbpError, BoardingPass, Leg, Malformed, Security, Undatable, Unencodable
from ticketing.bcbp.values import flight_number, passenger_name, seat, sequence_number

__all__ = [
    "BcbpError",
    "BoardingPass",
    "Leg",
    "Malformed",
    "Reading",
    "Security",
    "Undatable",
    "Unencodable",
    "day_of_year",
    "decode",
    "decode_leniently",
    "encode",
    "flight_date",
    "flight_number",
    "issue_date",
    "issue_day",
    "passenger_name",
    "seat",
    "sequence_number",
    "signed_part",
]
