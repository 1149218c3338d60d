"""Places as people type them: airports and cities, found by the beginning of a code or a name.

The airports with flights to come are kept in memory and read anew every ten minutes, in one statement. The others are
looked for, in one statement for each new beginning, only where none of these fits.
"""

import re
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from flights.airports import fold
from partners.caches import BoundedCache

LIFETIME_S = 600.0
MOST = 8
named_code = re.compile(r".*\(([A-Z]{3})\)\s*", re.DOTALL).fullmatch

READ = """
SELECT a.iata, a.name, COALESCE(NULLIF(a.city, ''), a.name), a.city_code, a.country, a.timezone, a.search_terms
FROM flights_airport a WHERE {which}
"""
SERVED = READ.format(
    which="""EXISTS (SELECT 1 FROM flights_flight f WHERE f.origin_id = a.iata AND f.departs_at > %(at)s)
    OR EXISTS (SELECT 1 FROM flights_flight f WHERE f.destination_id = a.iata AND f.departs_at > %(at)s)
ORDER BY a.iata"""
)
CALLED = READ.format(
    which="""EXISTS (SELECT 1 FROM unnest(a.search_terms) AS term WHERE starts_with(term, %(typed)s))
ORDER BY lower(a.iata) <> %(typed)s, NOT a.search_terms @> ARRAY[%(typed)s]::varchar[], a.iata LIMIT %(most)s"""
)


class AirportFacts(NamedTuple):
    iata: str
    name: str
    city: str
    city_code: str
    country: str
    timezone: str
    search_terms: list[str]


class Place(NamedTuple):
    """An airport, or a city with several (then without `name`). `term` is what a search takes for it."""

    term: str
    code: str
    city: str
    name: str
    country: str
    timezone: str
    airports: frozenset[str]

    @property
    def label(self) -> str:
        """Return what stands in the field once it is chosen, and can be read again: `New York (JFK)`."""
        return f"{self.city} ({self.code})" if self.code else self.city


class Places:
    """The places with flights, and an index of the beginnings of their words."""

    def __init__(self, airports: list[AirportFacts]):
        self.others = BoundedCache(2000)  # places without flights, by what was typed
        alone = {airport.iata: place_of(airport) for airport in airports}
        self.cities = cities_of(airports)
        self.all = [*self.cities, *alone.values()]
        self.by_code = {place.code: place for place in self.cities if place.code} | alone
        self.by_term: dict[str, list[Place]] = defaultdict(list)
        index: list[tuple[str, int, int]] = []
        for number, (place, spellings, name) in enumerate(self.spelled(airports, alone)):
            for term in spellings:
                index.append((term, 0, number))
                if place.name:
                    self.by_term[term].append(place)
            index.extend((ending, 1, number) for ending in endings(name))
        self.index = sorted(index)

    def spelled(
        self, airports: list[AirportFacts], alone: dict[str, Place]
    ) -> Iterator[tuple[Place, Iterable[str], str]]:
        """Yield places in the order of `all` with the terms that mean them and their folded names."""
        terms = {airport.iata: airport.search_terms for airport in airports}
        for city in self.cities:
            yield city, shared(terms[iata] for iata in city.airports), ""
        for airport in airports:
            yield alone[airport.iata], airport.search_terms, fold(airport.name)

    def suggest(self, text: str, *, most: int = MOST) -> list[Place]:
        """Return the places that a beginning can mean, the likeliest first; those without flights if no other fits."""
        typed = fold(text)
        return (self.beginning_with(typed) or self.without_flights(typed))[:most] if typed else []

    def beginning_with(self, typed: str) -> list[Place]:
        best: dict[int, tuple] = {}
        for at in range(bisect_left(self.index, (typed,)), len(self.index)):
            key, kind, number = self.index[at]
            if not key.startswith(typed):
                break
            place = self.all[number]
            rank = (place.code.casefold() != typed, key != typed, kind, bool(place.name), place.city)
            best[number] = min(rank, best.get(number, rank))
        return [self.all[number] for number in sorted(best, key=best.__getitem__)]

    def without_flights(self, typed: str) -> list[Place]:
        """Return places by the beginning of a code or city's name. One statement for a new beginning."""
        if typed not in self.others:
            self.others.put(typed, [place_of(airport) for airport in read(CALLED, typed=typed, most=MOST)])
        return self.others[typed]

    def resolve(self, text: str) -> list[Place]:
        """Return the one place that a text means, or those that it can mean; none if there is no such place.

        A text that ends in a code in brackets means that code; else a code, a city's name, or the beginning of one.
        """
        bracketed = named_code(text)
        typed = fold(bracketed[1] if bracketed else text)
        if (place := self.by_code.get(typed.upper())) is not None:
            return [place]
        found = self.together(self.by_term.get(typed, [])) or self.together(self.suggest(typed, most=2 * MOST))
        return [place for place in found if place.code.casefold() == typed] or found[:MOST]

    def together(self, places: list[Place]) -> list[Place]:
        """Return places with the airports of a city that all are among them taken as that city."""
        left, found = {place.code: place for place in places if place.name}, []
        for city in self.cities:
            if city.airports <= left.keys():
                found.append(city)
                for iata in city.airports:
                    del left[iata]
        return [*found, *left.values()]


def place_of(airport: AirportFacts) -> Place:
    return Place(
        airport.iata, airport.iata, airport.city, airport.name, airport.country, airport.timezone,
        frozenset([airport.iata]),
    )  # fmt: skip


def cities_of(airports: Iterable[AirportFacts]) -> list[Place]:
    """Return the cities of which several airports have flights, each with a term that finds just these and no other."""
    groups: dict[object, list[AirportFacts]] = defaultdict(list)
    for airport in airports:
        # Without a code of its own a city is known by all its names, which tell two Portlands apart.
        names = frozenset(airport.search_terms) - {airport.iata.casefold()}
        groups[airport.city_code or (names, airport.country)].append(airport)
    found = (city_of(group) for group in groups.values() if len(group) > 1)
    return [city for city in found if city]


def city_of(group: list[AirportFacts]) -> Place | None:
    terms, first = shared(airport.search_terms for airport in group), group[0]
    code = first.city_code if first.city_code.casefold() in terms else ""
    name = next((airport.city for airport in group if fold(airport.city) in terms), "")
    if not name:
        return None
    airports = frozenset(airport.iata for airport in group)
    return Place(code or name, code, name, "", first.country, first.timezone, airports)


def shared(spellings: Iterable[list[str]]) -> set[str]:
    return set.intersection(*map(set, spellings))


def endings(name: str) -> Iterator[str]:
    """Yield a name from each of its words on."""
    words = name.split()
    for start in range(len(words)):
        yield " ".join(words[start:])


kept: list[tuple[float, Places]] = []


def known_places(at: datetime) -> Places:
    """Return the places; one statement every ten minutes, else none."""
    if not kept or kept[0][0] < time.monotonic():
        kept[:] = [(time.monotonic() + LIFETIME_S, Places(read(SERVED, at=at)))]
    return kept[0][1]


def read(sql: str, **parameters) -> list[AirportFacts]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [AirportFacts._make(row) for row in cursor.fetchall()]
