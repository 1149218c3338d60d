"""What every viewset shares: strict input, one error body, idempotency, JSON out, the operation's documentation."""

import functools
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import viewsets

from skybridge import headers, idempotency, problems, strict
from skybridge.money import as_number
from skybridge.schema import IF_MATCH
from skybridge.serializers import NothingSerializer, ProblemSerializer

NOT_KEPT = {"Cache-Control": "no-store"}  # an answer is for its caller alone


def again(exc: Exception) -> HttpResponse:
    raise exc


def json_default(value: Any) -> Any:
    return as_number(value) if type(value) is Decimal else str(value)


def reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer; Decimal becomes a number, identifiers and enumerations their text."""
    body = orjson.dumps(data, default=json_default)
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


@functools.cache
def shared(classes: tuple[type, ...]) -> list:
    """Return one instance of each class for all requests; authenticators, permissions and throttles keep nothing."""
    return [one() for one in classes]


class ApiViewSet(viewsets.ViewSet):
    """The base of all viewsets.

    Its dispatch is REST framework's, less content negotiation (there is one format) and the wrapper around Django's
    request that parses bodies (`strict` does), and with `Idempotency-Key` around the action. An action in
    `claims_itself` writes its claim in its own SQL statement.
    """

    claims_itself: frozenset[str] = frozenset()
    claim: idempotency.Claim | None
    request: Any
    action: Any

    def dispatch(self, request, *args, **kwargs):
        self.request, self.args, self.kwargs = request, args, kwargs
        self.action = self.action_map.get(request.method.lower())
        try:
            self.initial(request, *args, **kwargs)
            response = self.answer(request, *args, **kwargs)
        except Exception as exc:
            response = self.refuse(exc)
        headers.suggest(response, NOT_KEPT | getattr(request, "rate_limit_headers", {}))
        return response

    def initial(self, request, *args, **kwargs):
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)

    def perform_authentication(self, request):
        """Let the first authenticator whose credentials are shown say who is calling."""
        shown = (authenticator.authenticate(request) for authenticator in self.get_authenticators())
        request.user, request.auth = next(filter(None, shown), (None, None))

    def get_authenticators(self):
        return shared(tuple(self.authentication_classes))

    def get_permissions(self):
        return shared(tuple(self.permission_classes))

    def get_throttles(self):
        return shared(tuple(self.throttle_classes))

    def answer(self, request, *args, **kwargs) -> HttpResponse:
        name = request.method.lower()
        act = getattr(self, name, None) if name in self.http_method_names else None
        if act is None:
            raise problems.MethodNotAllowed(headers={"Allow": ", ".join(self.allowed_methods)})
        self.claim = idempotency.claim_of(request, f"{request.user.kind}:{request.user.id}")
        if self.action not in self.claims_itself:
            return self.once(lambda: act(request, *args, **kwargs))
        try:
            return act(request, *args, **kwargs)
        except Exception as exc:
            # The key may have been used before, or be in use; if neither, the refusal is its answer.
            return self.once(functools.partial(again, exc))

    def once(self, act: Callable[[], HttpResponse]) -> HttpResponse:
        """Carry out an act under the request's `Idempotency-Key`, if it has one."""
        if self.claim is None:
            return act()
        return idempotency.once(self.claim, act, self.refuse)

    def refuse(self, exc: Exception) -> HttpResponse:
        return problems.problem_from_exception(exc, {"request": self.request})

    def next_link(self, cursor: str | None) -> dict[str, str]:
        """Return the header that leads to the next page of a bare array."""
        if cursor is None:
            return {}
        parameters = self.request.GET.copy()
        parameters["cursor"] = cursor
        return {"Link": f'<{quote(self.request.path)}?{parameters.urlencode()}>; rel="next"'}

    def options(self, request, *args, **kwargs):
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


def operation(
    summary: str,
    *,
    body: type | None = None,
    query: type | None = None,
    answers: dict[Any, Any],
    refusals: Iterable[int] = (),
    examples: Iterable[OpenApiExample] = (),
    description: str = "",
    tags: Iterable[str] = (),
    operation_id: str | None = None,
) -> Callable:
    """Declare an action: the strict input that it takes, as `data` and `query`, and its documentation.

    An action without `body` takes none; without `query` no query parameter. `answers` maps a status, or a status and
    a media type, to the answer's shape.
    """

    def declare(action):
        @functools.wraps(action)
        def checked(self, request, *args, **kwargs):
            parameters = strict.query_parameters(request)
            if query:
                kwargs["query"] = strict.validated(query, parameters, query=True)
            elif parameters:
                strict.validated(NothingSerializer, parameters, query=True)
            if request.method not in ("GET", "HEAD"):
                data = strict.validated(body or NothingSerializer, strict.json_body(request))
                if body:
                    kwargs["data"] = data
            return action(self, request, *args, **kwargs)

        refused = sorted({400, 401, 403, 429, *((413, 415, 422) if body else ()), *refusals})
        documented = dict.fromkeys(((status, "application/problem+json") for status in refused), ProblemSerializer)
        return extend_schema(
            summary=summary,
            description=description or action.__doc__ or summary,
            request=body,
            parameters=([query] if query else []) + ([IF_MATCH] if 412 in refusals else []),
            responses={**answers, **documented},
            examples=list(examples),
            tags=list(tags) or None,
            operation_id=operation_id,
        )(checked)

    return declare
