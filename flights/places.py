"""Places as people type them: airports and cities, found by the beginning of a code or a name.

All airports are kept in memory and read anew every ten minutes, in one statement. Those without flights to come are
suggested only where no other fits.
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

LIFETIME_S = 600.0
MOST = 8
named_code = re.compile(r".*\(([A-Z]{3})\)\s*", re.DOTALL).fullmatch

READ = """
SELECT a.iata, a.name, COALESCE(NULLIF(a.city, ''), a.name), a.city_code, a.country, a.timezone, a.search_terms,
    EXISTS (SELECT 1 FROM flights_flight f WHERE f.origin_id = a.iata AND f.departs_at > %(at)s)
    OR EXISTS (SELECT 1 FROM flights_flight f WHERE f.destination_id = a.iata AND f.departs_at > %(at)s)
FROM flights_airport a ORDER BY a.iata
"""


class AirportFacts(NamedTuple):
    iata: str
    name: str
    city: str
    city_code: str
    country: str
    timezone: str
    search_terms: list[str]
    is_served: bool


class Place(NamedTuple):
    """An airport, or a city with several (then without `name`). `term` is what a search takes for it."""

    term: str
    code: str
    city: str
    name: str
    country: str
    timezone: str
    airports: frozenset[str]
    is_served: bool

    @property
    def label(self) -> str:
        """Return what stands in the field once it is chosen, and can be read again: `New York (JFK)`."""
        return f"{self.city} ({self.code})" if self.code else self.city


class Places:
    """All places, and an index of the beginnings of their words."""

    def __init__(self, airports: Iterable[AirportFacts]):
        airports = list(airports)
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
        if not typed:
            return []
        best: dict[int, tuple] = {}
        for at in range(bisect_left(self.index, (typed,)), len(self.index)):
            key, kind, number = self.index[at]
            if not key.startswith(typed):
                break
            place = self.all[number]
            rank = (
                not place.is_served,
                place.code.casefold() != typed,
                key != typed,
                kind,
                bool(place.name),
                place.city,
            )
            best[number] = min(rank, best.get(number, rank))
        found = [self.all[number] for number in sorted(best, key=best.__getitem__)]
        return ([place for place in found if place.is_served] or found)[:most]

    def resolve(self, text: str) -> list[Place]:
        """Return the one place that a text means, or those that it can mean; none if there is no such place.

        A text that ends in a code in brackets means that code; else a code, a city's name, or the beginning of one.
        """
        bracketed = named_code(text)
        typed = fold(bracketed[1] if bracketed else text)
        if (place := self.by_code.get(typed.upper())) is not None:
            return [place]
        called = self.by_term.get(typed, [])
        served = [place for place in called if place.is_served] or called
        return self.together(served) or self.together(self.suggest(text, most=2 * MOST))[:MOST]

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
        frozenset([airport.iata]), airport.is_served,
    )  # fmt: skip


def cities_of(airports: Iterable[AirportFacts]) -> list[Place]:
    """Return the cities of which several airports have flights, each with a term that finds just these and no other."""
    groups: dict[object, list[AirportFacts]] = defaultdict(list)
    for airport in airports:
        if airport.is_served:
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
    return Place(code or name, code, name, "", first.country, first.timezone, airports, True)


def shared(spellings: Iterable[list[str]]) -> set[str]:
    return set.intersection(*map(set, spellings))


def endings(name: str) -> Iterator[str]:
    """Yield a name from each of its words on."""
    words = name.split()
    for start in range(len(words)):
        yield " ".join(words[start:])


kept: list[tuple[float, Places]] = []


def known_places(at: datetime) -> Places:
    """Return all places; one statement every ten minutes, else none."""
    if not kept or kept[0][0] < time.monotonic():
        kept[:] = [(time.monotonic() + LIFETIME_S, read_places(at))]
    return kept[0][1]


def forget() -> None:
    kept.clear()


def read_places(at: datetime) -> Places:
    with connection.cursor() as cursor:
        cursor.execute(READ, {"at": at})
        return Places(AirportFacts._make(row) for row in cursor.fetchall())
