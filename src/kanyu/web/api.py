"""The API of the page: check, scan, health."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from kanyu._version import __version__
from kanyu.errors import KanyuError
from kanyu.render.terminal import to_json
from kanyu.web.corrections import correction_from_json
from kanyu.web.limits import MAX_FILES, MAX_TEXT_CHARACTERS, MAX_TEXTS
from kanyu.web.models import CheckRequest, FeedbackRequest, Health, ProblemBody, ScanBody, VerdictBody, VerdictsBody
from kanyu.web.problems import Problem
from kanyu.web.service import Service
from kanyu.web.uploads import Upload

__all__ = ["answer", "check_texts_size", "json_object", "router", "uploads_of"]

router = APIRouter(prefix="/api")
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "content": {"application/problem+json": {}}, "description": what}
    for status, what in ((400, "Not understood"), (413, "Too large"), (422, "Cannot be checked"))
}


def answer(value: Any) -> Response:
    """JSON as the command line prints it: Japanese as it is, controls and lone surrogates escaped."""
    return Response(to_json(value), media_type="application/json")


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; it is never repeated in an error."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "no_json_object", "JSONのオブジェクトを送ってください。", "Send a JSON object.")
    return body


def check_texts_size(texts: list[str]) -> None:
    """Raise a `Problem` where there is nothing to check or too much."""
    if not texts or not all(text.strip() for text in texts):
        raise Problem(
            422,
            "empty",
            "文が空です。調べたいメッセージを貼り付けてください。",
            "The text is empty; paste the message.",
        )
    if len(texts) > MAX_TEXTS:
        raise Problem(
            413,
            "too_many_texts",
            f"一度に調べられるのは{MAX_TEXTS}通までです。`kanyu score` は何通でも調べます。",
            f"At most {MAX_TEXTS} messages at once; `kanyu score` takes any number.",
        )
    if sum(map(len, texts)) > MAX_TEXT_CHARACTERS:
        raise Problem(
            413,
            "text_too_long",
            f"一度に調べられるのは{MAX_TEXT_CHARACTERS:,}文字までです。気になるところだけを貼り付けてください。",
            f"At most {MAX_TEXT_CHARACTERS:,} characters at once; paste the part that worries you.",
        )


@asynccontextmanager
async def uploads_of(request: Request) -> AsyncIterator[tuple[list[Upload], str | None]]:
    """The files and the owner's name of a multipart body; they are closed, and so gone, afterwards."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(
            415,
            "no_multipart",
            "multipart/form-data の file として送ってください。",
            "Send multipart/form-data with a file.",
        )
    async with request.form(max_files=MAX_FILES, max_fields=8) as form:
        uploads = [
            (item.filename or "file", item.file)
            for item in form.getlist("file")
            if isinstance(item, UploadFile) and item.size
        ]
        if not uploads:
            raise Problem(
                422,
                "no_file",
                "ファイルがないか、空です。書き出したトーク履歴を選んでください。",
                "No file, or an empty one.",
            )
        me = form.get("me")
        yield uploads, me.strip() or None if isinstance(me, str) else None


@router.get("/health", response_model=Health, summary="Whether the server is there")
async def health(request: Request) -> Response:
    """Say which version and which model answers."""
    service: Service = request.app.state.service
    return answer({"status": "ok", "version": __version__, "model": service.detector.reference.to_dict()})


@router.post(
    "/check",
    summary="Judge one message or several",
    responses={200: {"model": VerdictBody | VerdictsBody}, **PROBLEMS},
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": CheckRequest.model_json_schema()}}}
    },
)
async def check(request: Request) -> Response:
    """`{"text": …}` gives a verdict; `{"texts": […]}` gives `{"verdicts": […]}`."""
    body = await json_object(request)
    text, texts = body.get("text"), body.get("texts")
    is_one = isinstance(text, str) and texts is None
    is_many = isinstance(texts, list) and text is None and all(isinstance(item, str) for item in texts)
    if not is_one and not is_many:
        raise Problem(
            400,
            "no_text",
            '{"text": "…"} か {"texts": ["…", "…"]} を送ってください。',
            'Send {"text": "…"} or {"texts": ["…", "…"]}.',
        )
    lang = body.get("lang", "ja")
    if lang not in ("ja", "en"):
        raise Problem(400, "unknown_language", "lang は ja か en です。", "lang must be ja or en.")
    wanted = [str(item) for item in ([text] if is_one else texts or ())]
    check_texts_size(wanted)
    verdicts = [verdict.to_dict(lang) for verdict in await request.app.state.service.check(wanted)]
    return answer(verdicts[0] if is_one else {"verdicts": verdicts})


@router.post(
    "/scan",
    summary="Judge exported chats",
    responses={200: {"model": ScanBody}, **PROBLEMS},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "me": {"type": "string", "description": "the owner's name in the logs"},
                        },
                    }
                }
            },
        }
    },
)
async def scan(request: Request) -> Response:
    """Files (or zips) to conversations and per-sender findings. They are removed afterwards."""
    service: Service = request.app.state.service
    async with uploads_of(request) as (uploads, me):
        report = await service.scan(uploads, me)
    return answer(report.to_dict())


@router.get("/feedback", summary="The corrections that are kept here")
async def corrections(request: Request) -> Response:
    """List them, the oldest first."""
    service: Service = request.app.state.service
    kept = await asyncio.to_thread(service.feedback.corrections)
    return answer({"corrections": [item.to_dict() for item in kept]})


@router.get("/feedback/export", summary="The corrections as labelled data")
async def export_corrections(request: Request) -> Response:
    """A file of JSON lines, as `kanyu train` reads it."""
    service: Service = request.app.state.service
    body = await asyncio.to_thread(service.feedback.export)
    name = 'attachment; filename="kanyu-feedback.jsonl"'
    return Response(body, media_type="application/jsonl", headers={"content-disposition": name})


@router.post(
    "/feedback",
    status_code=201,
    summary="Keep a correction",
    responses=PROBLEMS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": FeedbackRequest.model_json_schema()}},
        }
    },
)
async def keep(request: Request) -> Response:
    """Keep what a user says of a verdict. The text only where it is given, which is the consent."""
    service: Service = request.app.state.service
    correction = correction_from_json(await json_object(request))
    try:
        number = await asyncio.to_thread(service.keep, correction)
    except KanyuError as error:
        raise Problem(422, "not_kept", f"保存できませんでした({error})", f"could not be kept: {error}") from None
    return Response(f'{{"id": {number}}}', 201, media_type="application/json")


@router.delete("/feedback", summary="Delete every correction")
async def delete_corrections(request: Request) -> Response:
    """Delete all, and the file."""
    service: Service = request.app.state.service
    return answer({"deleted": await asyncio.to_thread(service.feedback.delete_all)})


@router.delete("/feedback/{number}", summary="Delete one correction")
async def delete_correction(request: Request, number: int) -> Response:
    """Delete one by its number."""
    service: Service = request.app.state.service
    if not await asyncio.to_thread(service.feedback.delete, number):
        raise Problem(404, "no_such_correction", "その訂正はありません。", "There is no such correction.")
    return answer({"deleted": 1})
