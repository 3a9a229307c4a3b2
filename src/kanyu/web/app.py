"""The application: routes, their guard, and how errors are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from kanyu._version import __version__
from kanyu.detector import Detector
from kanyu.feedback import FeedbackStore
from kanyu.web import api, pages
from kanyu.web.problems import Problem, problem_response
from kanyu.web.security import LOOPBACK_NAMES, Guard
from kanyu.web.service import Service

__all__ = ["create_app"]

_HERE = Path(__file__).parent


def create_app(
    detector: Detector,
    feedback: FeedbackStore | None = None,
    *,
    hosts: Collection[str] | None = LOOPBACK_NAMES,
) -> FastAPI:
    """Make the page and its API.

    Parameters
    ----------
    detector : Detector
    feedback : FeedbackStore, optional
        Where corrections go, when somebody asks to keep one; the user's own store by default.
    hosts : collection of str or None
        Names that the ``Host`` header may carry; see :class:`kanyu.web.security.Guard`.

    Returns
    -------
    FastAPI
    """
    service = Service(detector, feedback or FeedbackStore())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="kanyu",
        summary="勧誘チェッカー: the API of the local page",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")]), name="swagger")
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_middleware(Guard, hosts=hosts)
    return app


def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.state.lang)


def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {
        404: ("not_found", "このページはありません。", "There is no such page."),
        405: ("method_not_allowed", "この方法では使えません。", "This method is not allowed here."),
    }
    code, ja, en = known.get(
        error.status_code, ("bad_request", "リクエストを読み取れません。", "The request cannot be understood.")
    )
    return problem_response(Problem(error.status_code, code, ja, en), request.state.lang)


def _answer_invalid(request: Request, _error: Exception) -> Response:
    problem = Problem(400, "bad_request", "リクエストを読み取れません。", "The request cannot be understood.")
    return problem_response(problem, request.state.lang)
