"""Airports and the words that find them: codes, cities, cities with several airports, other spellings.

Source: PyPI `airportsdata` (MIT) for the airports and 41 metropolitan areas; `flights/data/cities.csv` is our own
supplement of well-known members that those lack, of cities served from a suburb, and of local spellings.
"""

import csv
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import airportsdata
from django.db import connection

CITIES = Path(__file__).parent / "data" / "cities.csv"
# Letters that have no decomposition into a base letter and an accent.
LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"})
APOSTROPHES = str.maketrans("", "", "'’‘`´ʻ")
LONG_FORMS = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount"}


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return the form in which places are compared: lower case, no accents, one blank for punctuation and blanks.

    `Zürich` becomes `zurich`, `Tromsø` `tromso`, `O'Hare` `ohare`, `St. Louis` `st louis`.
    """
    lower = text.casefold().translate(APOSTROPHES)
    letters = unicodedata.normalize("NFKD", lower).translate(LETTERS)
    plain = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(plain.split())


class CityName(NamedTuple):
    """A name of the city that an airport serves, and the code of a city with several airports, or ""."""

    code: str
    name: str


@dataclass(frozen=True)
class LoadedAirports:
    """How many airports a load found new, changed and unchanged."""

    new: int
    changed: int
    unchanged: int


UPSERT = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g (iata text, icao text, name text, city text, city_code text,
        country text, timezone text, latitude float, longitude float, search_terms varchar[])
), written AS (
    INSERT INTO flights_airport AS a (iata, icao, name, city, city_code, country, timezone, latitude, longitude,
        search_terms)
    SELECT iata, icao, name, city, city_code, country, timezone, latitude, longitude, search_terms
    FROM given ORDER BY iata
    ON CONFLICT (iata) DO UPDATE SET (icao, name, city, city_code, country, timezone, latitude, longitude,
        search_terms) = (excluded.icao, excluded.name, excluded.city, excluded.city_code, excluded.country,
        excluded.timezone, excluded.latitude, excluded.longitude, excluded.search_terms)
    WHERE a IS DISTINCT FROM excluded
    RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
"""


def load_airports() -> LoadedAirports:
    """Add all airports that have an IATA code, and bring those present up to date. One statement."""
    rows = airport_rows()
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [json.dumps(rows)])
        new, changed = cursor.fetchone()
    return LoadedAirports(new, changed, len(rows) - new - changed)


def airport_rows() -> list[dict]:
    """Return the columns of every airport, with its search terms.

    A code that is both an airport's and its city's (DFW, HOU) finds that airport alone; the city's name finds all.
    """
    cities, airports = names_of_cities(), airportsdata.load("IATA")
    return [airport_row(facts, cities[iata], airports.keys()) for iata, facts in airports.items()]


def airport_row(facts: Mapping, cities: list[CityName], airport_codes: Container[str]) -> dict:
    city_code = next((city.code for city in cities if city.code), "")
    spellings = [facts["iata"], *spellings_of_city(facts), *(city.name for city in cities)]
    spellings += [city.code for city in cities if city.code not in airport_codes]
    return {
        "iata": facts["iata"],
        "icao": facts["icao"] if facts["icao"].isalnum() else "",  # `_MLH` and its like are not ICAO's
        "name": facts["name"],
        "city": facts["city"],
        "city_code": city_code,
        "country": facts["country"],
        "timezone": facts["tz"],
        "latitude": facts["lat"],
        "longitude": facts["lon"],
        "search_terms": search_terms(spellings),
    }


def spellings_of_city(facts: Mapping) -> list[str]:
    """Return a city as written, its parts (`Raleigh/Durham`), and with its region, which tells two Portlands apart.

    An airport without a city goes by its own name.
    """
    whole = facts["city"] or re.sub(r"\s+Airport$", "", facts["name"])
    parts = re.split(r"\s*[/,]\s*", whole)
    return [whole, *parts, *(f"{part} {facts['subd']}" for part in parts if facts["subd"])]


def search_terms(spellings: list[str]) -> list[str]:
    """Return the folded spellings, each once, with the long form of abbreviations such as St and Ft beside."""
    terms: dict[str, None] = {}
    for spelling in spellings:
        term = fold(spelling)
        long = " ".join(LONG_FORMS.get(word, word) for word in term.split())
        short = " ".join({"saint": "st", "fort": "ft"}.get(word, word) for word in term.split())
        terms |= dict.fromkeys([term, long, short])
    terms.pop("", None)
    return list(terms)


def names_of_cities() -> dict[str, list[CityName]]:
    """Return the city names known for each airport, metropolitan areas first."""
    cities: dict[str, list[CityName]] = defaultdict(list)
    for code, area in airportsdata.load_iata_macs().items():
        for iata in area["airports"]:
            cities[iata].append(CityName(code, area["name"]))
    with CITIES.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            for iata in row["airports"].split():
                cities[iata].append(CityName(row["code"], row["name"]))
    return cities
