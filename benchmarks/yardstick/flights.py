"""SEARCH: the flights of a route on a date that can be sold."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import aliased, contains_eager

from . import config
from .callers import CurrentCaller
from .database import Session
from .documents import offer_document
from .models import Airport, Flight, FlightCabin, now
from .schemas import OfferOut

router = APIRouter()
Place = Annotated[str, Query(max_length=80)]


def fold(text: str) -> str:
    """Return the form in which places are compared: lower case, no accents, one blank between words."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w]", " ", plain).split())


@router.get("/searchFlights", response_model=list[OfferOut])
async def search_flights(
    departureCity: Place, destinationCity: Place, departureDate: date, caller: CurrentCaller, session: Session
) -> list[dict[str, Any]]:
    origin, destination = aliased(Airport), aliased(Airport)
    query = (
        select(FlightCabin)
        .join(FlightCabin.flight)
        .join(FlightCabin.fare)
        .join(Flight.origin.of_type(origin))
        .join(Flight.destination.of_type(destination))
        .options(
            contains_eager(FlightCabin.fare),
            contains_eager(FlightCabin.flight).options(
                contains_eager(Flight.origin.of_type(origin)), contains_eager(Flight.destination.of_type(destination))
            ),
        )
        .where(
            origin.search_terms.contains([fold(departureCity)]),
            destination.search_terms.contains([fold(destinationCity)]),
            Flight.departure_date == departureDate,
            Flight.departs_at > now() + config.SALES_CLOSE_BEFORE_DEPARTURE,
            Flight.status.in_(["scheduled", "delayed"]),
            FlightCabin.cabin == "Y",
            FlightCabin.on_sale,
            FlightCabin.free >= 1,
        )
        .order_by(Flight.departs_at, Flight.id)
    )
    cabins = await session.scalars(query)
    return [offer_document(cabin) for cabin in cabins]
