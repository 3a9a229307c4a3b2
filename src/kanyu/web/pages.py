"""The page for people: HTML from templates, which works without JavaScript where it can."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kanyu._version import __version__
from kanyu.errors import KanyuError
from kanyu.labels import ARTICLE_PATTERNS, HEADLINES, LABELS, SIGNALS
from kanyu.web.api import answer, check_texts_size, uploads_of
from kanyu.web.corrections import correction_of
from kanyu.web.examples import EXAMPLES
from kanyu.web.limits import MAX_TEXT_CHARACTERS, MAX_UPLOAD_BYTES
from kanyu.web.problems import Problem
from kanyu.web.security import POLICY, SANDBOX
from kanyu.web.service import Scan, Service
from kanyu.web.view import read_paste, result_view

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("kanyu", "web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    lang: str = request.state.lang

    def t(ja: str, en: str) -> str:
        return ja if lang == "ja" else en

    def to(path: str) -> str:
        """A path of the page, in the same language."""
        return path + ("&" if "?" in path else "?") + f"lang={lang}"

    service: Service = request.app.state.service
    body = (
        _templates()
        .get_template(template)
        .render(
            t=t,
            to=to,
            lang=lang,
            version=__version__,
            model=service.detector.reference,
            **values,
        )
    )
    return HTMLResponse(body, status)


def _is_fragment(request: Request) -> bool:
    """Whether the page's script asks, which puts the answer into the page."""
    return request.headers.get("x-fragment") == "1"


def _home(request: Request, status: int = 200, **values: Any) -> HTMLResponse:
    given: dict[str, Any] = {"result": None, "problem": None, "text": "", "apart": False, "thanks": None, **values}
    return _render(
        request,
        "home.html.j2",
        status,
        examples=EXAMPLES,
        patterns=_patterns(request.state.lang),
        max_text=MAX_TEXT_CHARACTERS,
        max_upload=MAX_UPLOAD_BYTES,
        **given,
    )


def _patterns(lang: str) -> list[dict[str, Any]]:
    """The article's patterns, each with the labels that stand for it."""
    side = 0 if lang == "ja" else 1
    words = {name: (label.ja, label.meaning_ja) for name, label in LABELS.items()}
    if lang != "ja":
        words = {name: (label.en, label.meaning_en) for name, label in LABELS.items()}
    return [
        {
            "number": number,
            "title": titles[side],
            "labels": [words[name] for name in (*HEADLINES, *SIGNALS) if number in LABELS[name].article_patterns],
        }
        for number, titles in ARTICLE_PATTERNS.items()
    ]


async def _field(request: Request, *names: str) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=20, max_part_size=MAX_TEXT_CHARACTERS * 8) as form:
        return {name: value if isinstance(value := form.get(name), str) else "" for name in names}


@router.get("/")
async def home(request: Request) -> Response:
    """The page."""
    return _home(request)


@router.post("/check")
async def check(request: Request) -> Response:
    """A paste to its verdicts."""
    fields = await _field(request, "text", "apart")
    service: Service = request.app.state.service
    try:
        paste = read_paste(fields["text"], fields["apart"] == "1")
        check_texts_size(paste.texts)
    except Problem as problem:
        if _is_fragment(request):
            raise
        said = problem.detail(request.state.lang)
        return _home(request, problem.status, problem=said, text=fields["text"][:MAX_TEXT_CHARACTERS])
    verdicts = await service.check(paste.texts)
    result = result_view(service.detector, paste, verdicts, request.state.lang)
    if _is_fragment(request):
        return _render(request, "result.html.j2", result=result)
    return _home(request, result=result, text=fields["text"], apart=fields["apart"] == "1")


@router.post("/scans")
async def start_scan(request: Request) -> Response:
    """Take exports, and begin to judge them."""
    service: Service = request.app.state.service
    async with uploads_of(request) as (uploads, me):
        scan = await service.start_scan(uploads, me, request.state.lang)
    if _is_fragment(request):
        return answer(_progress(scan))
    return RedirectResponse(f"/scans/{scan.id}/result?lang={request.state.lang}", 303)


@router.get("/scans/{number}")
async def scan_progress(request: Request, number: str) -> Response:
    """How far a scan is."""
    return answer(_progress(_scan(request, number)))


@router.get("/scans/{number}/result")
async def scan_result(request: Request, number: str) -> Response:
    """What a scan found, with its report in a frame."""
    scan = _scan(request, number)
    if not _is_fragment(request):
        return _render(request, "scan_page.html.j2", scan=scan)
    return _render(request, "scan.html.j2", scan=scan)


@router.delete("/scans/{number}")
async def forget_scan(request: Request, number: str) -> Response:
    """Forget a scan and its report."""
    service: Service = request.app.state.service
    _scan(request, number)
    service.forget(number)
    return Response(status_code=204)


@router.get("/report/{number}")
async def report(request: Request, number: str) -> Response:
    """The report, under the policy that it carries itself: its own style and script by hash, in a sandbox."""
    scan = _scan(request, number)
    if not scan.page:
        raise _no_scan()
    page = scan.page
    if request.query_params.get("names") == "0":
        service: Service = request.app.state.service
        page = await asyncio.to_thread(service.render, scan, request.state.lang, with_names=False)
    found = _POLICY.search(page)
    policy = found[1].replace("&#39;", "'") if found else "default-src 'none'"
    headers = {
        "content-security-policy": f"{policy}; frame-ancestors 'self'; sandbox {SANDBOX}",
        # a sandboxed document is refused as the top one of a group of its own
        "cross-origin-opener-policy": "unsafe-none",
    }
    if "download" in request.query_params:
        headers["content-disposition"] = 'attachment; filename="kanyu-report.html"'
    return HTMLResponse(page, headers=headers)


def _scan(request: Request, number: str) -> Scan:
    service: Service = request.app.state.service
    scan = service.scans.get(number)
    if scan is None:
        raise _no_scan()
    return scan


def _no_scan() -> Problem:
    return Problem(
        404,
        "no_such_scan",
        "この結果はもうありません。もう一度ファイルを選んでください。",
        "This result is gone; choose the file again.",
    )


def _progress(scan: Scan) -> dict[str, Any]:
    return {
        "id": scan.id,
        "state": scan.state,
        "what": scan.what,
        "done": scan.done,
        "total": scan.total,
    }


@router.get("/feedback")
async def corrections(request: Request) -> Response:
    """What is kept, with the ways to take it along and to delete it."""
    service: Service = request.app.state.service
    kept = await asyncio.to_thread(service.feedback.corrections)
    rows = [(item, f"{datetime.fromisoformat(item.at).astimezone():%Y-%m-%d %H:%M}") for item in reversed(kept)]
    return _render(request, "feedback.html.j2", kept=rows, labels=LABELS, headlines=HEADLINES)


@router.post("/feedback")
async def keep(request: Request) -> Response:
    """Keep a correction, because somebody asked for it."""
    fields = await _field(request, "said", "truth", "consent", "text", *HEADLINES[1:])
    service: Service = request.app.state.service
    correction = correction_of(fields)
    try:
        number = await asyncio.to_thread(service.keep, correction)
    except KanyuError as error:
        raise Problem(422, "not_kept", f"保存できませんでした({error})", f"could not be kept: {error}") from None
    thanks = {"number": number, "with_text": correction.text is not None}
    if _is_fragment(request):
        return _render(request, "thanks.html.j2", thanks=thanks)
    return _home(request, thanks=thanks)


@router.post("/feedback/delete")
async def forget_corrections(request: Request) -> Response:
    """Delete one correction, or all."""
    fields = await _field(request, "number", "all")
    service: Service = request.app.state.service
    if fields["all"] == "1":
        await asyncio.to_thread(service.feedback.delete_all)
    else:
        with suppress(ValueError):
            await asyncio.to_thread(service.feedback.delete, int(fields["number"]))
    return RedirectResponse(f"/feedback?lang={request.state.lang}", 303)


@router.get("/api/docs")
async def docs(request: Request) -> Response:
    """The description of the API, by Swagger UI from this machine."""
    page = _render(request, "docs.html.j2")
    # the icons in Swagger UI's style sheet are data: URLs
    page.headers["content-security-policy"] = POLICY.replace("img-src 'self'", "img-src 'self' data:")
    return page
