"""Refusals and their one body (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, **details: Any):
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def problem(request: Request, refusal: Refusal) -> JSONResponse:
    body = {
        "type": f"urn:skybridge:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.message,
        "instance": request.url.path,
        "code": refusal.code,
        "message": refusal.message,
        "error": refusal.message,
        "errors": [],
        "request_id": "",
    }
    return JSONResponse(body | refusal.details, refusal.status, media_type="application/problem+json")


async def refuse(request: Request, refusal: Refusal) -> JSONResponse:
    return problem(request, refusal)


async def refuse_input(request: Request, refused: RequestValidationError) -> JSONResponse:
    errors = [
        {"pointer": "/" + "/".join(map(str, error["loc"][1:])), "code": error["type"], "message": error["msg"]}
        for error in refused.errors()
    ]
    return problem(request, Refusal(400, "invalid_input", "The request is not valid.", errors=errors))


def register(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, refuse)
    app.add_exception_handler(RequestValidationError, refuse_input)
