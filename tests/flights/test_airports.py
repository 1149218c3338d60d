import pytest

from flights.airports import fold, load_airports
from flights.models import Airport


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("New York", "new york"),
        ("  NEW   york ", "new york"),
        ("São Paulo", "sao paulo"),
        ("Sa\u0303o Paulo", "sao paulo"),
        ("Zürich", "zurich"),
        ("Großenhain", "grossenhain"),
        ("Tromsø", "tromso"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("İstanbul", "istanbul"),
        ("St. Louis", "st louis"),
        ("Xi'an", "xian"),
        ("Raleigh/Durham", "raleigh durham"),
        ("東京", "東京"),
        ("", ""),
        ("-", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded


def found(place: str) -> set[str]:
    return set(Airport.objects.filter(search_terms__contains=[fold(place)]).values_list("iata", flat=True))


@pytest.mark.parametrize("place", ["NYC", "New York", "NEW YORK", "new york city"])
def test_new_york_finds_its_three_airports(airports, place):
    assert {"JFK", "LGA", "EWR"} <= found(place)


@pytest.mark.parametrize(
    ("place", "iata"),
    [
        ("JFK", "JFK"),
        ("jfk", "JFK"),
        ("Newark", "EWR"),
        ("Sao Paulo", "GRU"),
        ("São Paulo", "GRU"),
        ("München", "MUC"),
        ("Saint Louis", "STL"),
        ("St. Louis", "STL"),
        ("Ft. Lauderdale", "FLL"),
        ("Durham", "RDU"),
        ("Cincinnati", "CVG"),
        ("Istanbul", "IST"),
        ("Portland, Maine", "PWM"),
        ("Johannesburg", "JNB"),
    ],
)
def test_a_place_finds_its_airport(airports, place, iata):
    assert iata in found(place)


@pytest.mark.parametrize(
    ("city", "members"),
    [
        ("London", {"LHR", "LGW", "STN", "LTN", "LCY", "SEN"}),
        ("Paris", {"CDG", "ORY", "BVA"}),
        ("Tokyo", {"HND", "NRT"}),
        ("Washington", {"DCA", "IAD", "BWI"}),
        ("Chicago", {"ORD", "MDW"}),
        ("Dallas", {"DFW", "DAL"}),
    ],
)
def test_a_city_finds_all_its_airports(airports, city, members):
    assert members <= found(city)


def test_the_code_of_one_airport_finds_that_airport_alone(airports):
    assert found("DFW") == {"DFW"}
    assert found("Newark") == {"EWR"}
    assert found("HOU") == {"HOU"}


def test_loading_again_changes_nothing(airports, django_assert_num_queries):
    with django_assert_num_queries(1):
        loaded = load_airports()
    assert (loaded.new, loaded.changed) == (0, 0)
    assert loaded.unchanged == Airport.objects.count() > 7_000


def test_loading_mends_what_is_missing_or_differs(airports):
    Airport.objects.filter(iata="ZRH").delete()
    Airport.objects.filter(iata="JFK").update(city="Elsewhere", search_terms=[])
    loaded = load_airports()
    assert (loaded.new, loaded.changed) == (1, 1)
    assert Airport.objects.get(iata="JFK").city == "New York"
