"""Errors of the page as ``application/problem+json`` (RFC 9457), in words that a person can use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kanyu.render.terminal import to_json

__all__ = ["Problem", "language", "problem_response", "unexpected"]

_TITLES = {
    400: ("リクエストを読み取れません", "The request cannot be understood"),
    403: ("受け付けられません", "Not allowed"),
    404: ("見つかりません", "Not found"),
    405: ("この方法では使えません", "Method not allowed"),
    413: ("大きすぎます", "Too large"),
    415: ("形式がちがいます", "Unsupported media type"),
    422: ("調べられません", "This cannot be checked"),
    500: ("うまくいきませんでした", "Something went wrong"),
    503: ("今は混み合っています", "Busy"),
}


class Problem(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        A fixed name of the error, for programs.
    ja, en : str
        What, where, and what to do. Never a message's text.
    more : mapping, optional
        Further members of the answer.
    """

    def __init__(self, status: int, code: str, ja: str, en: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.ja = ja
        self.en = en
        self.more = dict(more or {})

    def detail(self, lang: str) -> str:
        """The sentence in one language."""
        return self.ja if lang == "ja" else self.en


def problem_response(problem: Problem, lang: str = "ja") -> Response:
    """A problem as an answer."""
    titles = _TITLES.get(problem.status, _TITLES[400 if problem.status < 500 else 500])
    body = {
        "type": "about:blank",
        "title": titles[0 if lang == "ja" else 1],
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail(lang),
        **problem.more,
    }
    return Response(to_json(body), problem.status, media_type="application/problem+json")


def language(wanted: str | None, accepted: str | None) -> str:
    """The language of an answer: what was asked for, else what the browser prefers, else Japanese.

    >>> language(None, "en-US,en;q=0.9,ja;q=0.8"), language("ja", "en"), language(None, "fr")
    ('en', 'ja', 'ja')
    """
    if wanted in ("ja", "en"):
        return wanted
    for part in (accepted or "").lower().split(","):
        tag = part.split(";")[0].strip().split("-")[0]
        if tag in ("ja", "en"):
            return tag
    return "ja"


def unexpected() -> Problem:
    """For whatever nobody thought of."""
    return Problem(
        500,
        "unexpected",
        "思いがけない問題が起きました。もう一度お試しください。続くときは、kanyuを開き直してください。",
        "Something unexpected happened. Try again; if it stays, start kanyu again.",
    )
