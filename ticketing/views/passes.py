"""Pages and documents beside the API: the keys of boarding passes, and the passes themselves for who has their link."""

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from skybridge import pages, strict
from skybridge.exceptions import DomainError
from ticketing import signatures
from ticketing.exceptions import BoardingPassEnded
from ticketing.faces import Face, face_of
from ticketing.links import pass_of
from ticketing.printing import pdf_of
from ticketing.serializers.tickets import SymbolQuerySerializer
from ticketing.symbols import Symbol, Symbology, draw

JWK_SET = "application/jwk-set+json"  # Source: RFC 7517, section 8.5.2


def key_ids(request: HttpRequest) -> str:
    return f'"{".".join(signatures.current_keys().public)}"'


@require_safe
@cache_control(public=True, max_age=3600)
@condition(etag_func=key_ids)
def boarding_pass_keys(request: HttpRequest) -> JsonResponse:
    """Give anyone the public keys that verify our boarding passes."""
    return JsonResponse(signatures.public_keys(), content_type=JWK_SET)


def for_link_holders(view: Callable[[HttpRequest, Face], HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view the pass that a link names. Nothing on the way may keep the answer or pass the link on."""

    @require_safe
    @functools.wraps(view)
    def seen(request: HttpRequest, token: str) -> HttpResponse:
        request.logged_path = request.path.replace(token, "...")  # type: ignore[attr-defined]
        try:
            response = view(request, face_of(pass_of(token)))
        except DomainError as refusal:
            response = pages.refuse(request, refusal)
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return seen


@for_link_holders
def boarding_pass_page(request: HttpRequest, face: Face) -> HttpResponse:
    """Show a pass as it is printed: one sheet."""
    return show(request, "ticketing/boarding_pass_page.html", face, Symbology.PDF417)


@for_link_holders
def boarding_pass_phone(request: HttpRequest, face: Face) -> HttpResponse:
    """Show a pass as it is held out at the gate."""
    return show(request, "ticketing/boarding_pass_phone.html", face, Symbology.AZTEC)


def show(request: HttpRequest, template: str, face: Face, symbology: Symbology) -> HttpResponse:
    """Draw a page in the visitor's language; what is signed and printed stays as it is."""
    with pages.in_language_of(request):
        symbol = "" if face.refusal else draw(face.barcode, symbology).svg(face.symbol_text)
        page = request.path.removesuffix("/").removesuffix("/phone")
        return render(request, template, {"face": face, "symbol": symbol, "page": page})


@for_link_holders
def boarding_pass_pdf(request: HttpRequest, face: Face) -> HttpResponse:
    name = f"boarding-pass-{face.designator.replace(' ', '')}-{face.origin}-{face.destination}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(pdf_of(face), content_type="application/pdf", headers=headers)


@for_link_holders
def boarding_pass_svg(request: HttpRequest, face: Face) -> HttpResponse:
    return HttpResponse(symbol_wanted(request, face).svg(face.symbol_text), content_type="image/svg+xml")


@for_link_holders
def boarding_pass_png(request: HttpRequest, face: Face) -> HttpResponse:
    return HttpResponse(symbol_wanted(request, face).png(), content_type="image/png")


def symbol_wanted(request: HttpRequest, face: Face) -> Symbol:
    """Return the symbol of a good pass that the query asks for. Raises InvalidInput or BoardingPassEnded."""
    query = strict.validated(SymbolQuerySerializer, strict.query_parameters(request), query=True)
    if face.refusal:
        raise BoardingPassEnded(face.refusal)
    return draw(face.barcode, Symbology(query["symbology"]))
