"""The API of the page, over real connections."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from kanyu.detector import Detector
from kanyu.web.limits import MAX_BODY_BYTES, MAX_TEXT_CHARACTERS, MAX_TEXTS

from .conftest import Site

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
ORDINARY = "了解です。10時に改札前で"


def problem(reply: httpx.Response, status: int, code: str) -> str:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    return str(body["detail"])


def test_one_text_gives_the_verdict_of_the_detector(api: httpx.Client, detector: Detector) -> None:
    reply = api.post("/api/check", json={"text": RISKY})
    assert reply.json() == json.loads(json.dumps(detector.check(RISKY).to_dict()))
    assert reply.json()["verdict"] == "flagged"


def test_several_texts_give_verdicts_in_their_order(api: httpx.Client) -> None:
    verdicts = api.post("/api/check", json={"texts": [RISKY, ORDINARY]}).json()["verdicts"]
    assert [verdict["text"] for verdict in verdicts] == [RISKY, ORDINARY]
    assert [verdict["verdict"] for verdict in verdicts] == ["flagged", "clear"]


def test_advice_is_english_where_asked_for(api: httpx.Client, detector: Detector) -> None:
    advice = api.post("/api/check", json={"text": RISKY, "lang": "en"}).json()["advice"]
    assert advice == detector.check(RISKY).to_dict("en")["advice"]
    assert advice != detector.check(RISKY).to_dict("ja")["advice"]


@pytest.mark.parametrize(
    "text", ["𠮷野家😀で会おう、詳しくは会ってから", "a\u0000b\u202eすごい人に会わせたい", "\ud800会ってから話すね"]
)
def test_offsets_are_code_points_of_the_text_that_was_sent(api: httpx.Client, text: str) -> None:
    reply = api.post("/api/check", content=json.dumps({"text": text}), headers={"content-type": "application/json"})
    verdict = json.loads(reply.text)
    assert verdict["text"] == text
    for item in verdict["evidence"]:
        assert text[item["start"] : item["end"]] == item["text"]
    assert "\u202e" not in reply.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "no_json_object"),
        (b"[1]", 400, "no_json_object"),
        (b'{"text": ', 400, "no_json_object"),
        (b"\xff\xfe", 400, "no_json_object"),
        (b"[" * 100_000, 400, "no_json_object"),
        (b"{}", 400, "no_text"),
        (b'{"text": 5}', 400, "no_text"),
        (b'{"texts": ["a", 5]}', 400, "no_text"),
        (b'{"text": "a", "texts": ["a"]}', 400, "no_text"),
        (b'{"text": "  "}', 422, "empty"),
        (b'{"texts": []}', 422, "empty"),
        (b'{"text": "a", "lang": "fr"}', 400, "unknown_language"),
    ],
)
def test_what_cannot_be_checked_is_a_problem(api: httpx.Client, body: bytes, status: int, code: str) -> None:
    problem(api.post("/api/check", content=body, headers={"content-type": "application/json"}), status, code)


def test_limits_are_told_with_what_to_do(api: httpx.Client) -> None:
    assert "100,000" in problem(
        api.post("/api/check", json={"text": "あ" * (MAX_TEXT_CHARACTERS + 1)}), 413, "text_too_long"
    )
    assert "kanyu score" in problem(
        api.post("/api/check", json={"texts": ["あ"] * (MAX_TEXTS + 1)}), 413, "too_many_texts"
    )
    english = {"accept-language": "en"}
    large = api.post("/api/check", content=b" " * (MAX_BODY_BYTES + 1), headers=english)
    assert "in parts" in problem(large, 413, "too_large")


def test_a_body_that_hides_its_length_is_limited_too(api: httpx.Client) -> None:
    chunks = (b" " * (1 << 20) for _ in range((MAX_BODY_BYTES >> 20) + 2))
    problem(api.post("/api/check", content=chunks), 413, "too_large")


def test_health_names_the_model(api: httpx.Client, detector: Detector) -> None:
    body = api.get("/api/health").json()
    assert body["status"] == "ok"
    assert body["model"] == detector.reference.to_dict()


def test_unknown_paths_and_methods_are_problems(api: httpx.Client) -> None:
    problem(api.get("/api/nothing"), 404, "not_found")
    problem(api.get("/api/check"), 405, "method_not_allowed")
    problem(api.get("/report/guessed"), 404, "no_such_scan")
    problem(api.delete("/api/feedback/none"), 400, "bad_request")


def test_openapi_describes_every_route_of_the_contract(api: httpx.Client) -> None:
    paths = api.get("/api/openapi.json").json()["paths"]
    assert set(paths) >= {"/api/check", "/api/scan", "/api/health", "/api/feedback", "/api/feedback/export"}
    assert "post" in paths["/api/check"]
    assert paths["/api/scan"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["file"]


def test_scan_of_several_files(api: httpx.Client, site: Site, root: Path) -> None:
    samples = root / "tests" / "samples" / "line"
    files = [("file", (name, (samples / name).read_bytes())) for name in ("demo-pitch.txt", "demo-ordinary.txt")]
    report = api.post("/api/scan", files=files).json()
    assert [talk["source"] for talk in report["conversations"]] == ["demo-pitch.txt", "demo-ordinary.txt"]
    assert report["errors"] == []
    assert report["conversations"][0]["senders"][0]["verdict"] == "flagged"
    assert list(site.temporary.iterdir()) == []


def test_the_owner_can_be_named(api: httpx.Client, root: Path) -> None:
    sample = root / "tests" / "samples" / "line" / "phone-ja-group-3-senders-7-messages.txt"
    file = {"file": ("a.txt", sample.read_bytes())}
    names = [sender["name"] for sender in api.post("/api/scan", files=file).json()["conversations"][0]["senders"]]
    talk = api.post("/api/scan", files=file, data={"me": names[0]}).json()["conversations"][0]
    assert talk["me"] == names[0]
    assert names[0] not in [sender["name"] for sender in talk["senders"]]
    detail = problem(api.post("/api/scan", files=file, data={"me": "いない人"}), 422, "unusable")
    assert "kanyu-" not in detail


def test_what_cannot_be_read_is_named_and_the_rest_is_done(api: httpx.Client, site: Site, root: Path) -> None:
    good = (root / "tests" / "samples" / "line" / "demo-pitch.txt").read_bytes()
    report = api.post(
        "/api/scan", files=[("file", ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50))), ("file", ("b.txt", good))]
    ).json()
    assert [error["source"] for error in report["errors"]] == ["a.png"]
    assert len(report["conversations"]) == 1
    assert str(site.temporary) not in json.dumps(report)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.bin", bytes(range(256)) * 9), ("a.txt", "ただの文です。".encode()), ("broken.zip", b"PK\x03\x04broken")],
)
def test_a_file_that_is_no_chat_is_a_problem(api: httpx.Client, site: Site, name: str, data: bytes) -> None:
    reply = api.post("/api/scan", files={"file": (name, data)})
    detail = problem(reply, 422, "unreadable")
    assert name in detail
    assert "kanyu-" not in reply.text
    assert list(site.temporary.iterdir()) == []


def test_scan_without_a_file_is_a_problem(api: httpx.Client) -> None:
    problem(api.post("/api/scan", files={"file": ("a.txt", b"")}), 422, "no_file")
    problem(api.post("/api/scan", json={}), 415, "no_multipart")
    problem(api.post("/api/scan", content=b"x", headers={"content-type": "multipart/form-data"}), 400, "bad_request")


def test_a_zip_bomb_is_refused_and_leaves_nothing(api: httpx.Client, site: Site) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("talk.txt", bytes(64 << 20))
    assert len(packed.getvalue()) < 1 << 20
    reply = api.post("/api/scan", files={"file": ("b.zip", packed.getvalue())})
    assert "安全のため" in problem(reply, 422, "unreadable")
    assert "for safety" in reply.json()["errors"][0]["reason"]
    assert list(site.temporary.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "/etc/passwd", "C:\\x\\con.txt", "a" * 300 + ".txt", "\u202etxt.exe", "."]
)
def test_hostile_names_stay_in_their_folder(api: httpx.Client, site: Site, root: Path, name: str) -> None:
    data = (root / "tests" / "samples" / "line" / "demo-pitch.txt").read_bytes()
    report = api.post("/api/scan", files={"file": (name, data)}).json()
    source = report["conversations"][0]["source"]
    assert "/" not in source
    assert "\\" not in source
    assert "\u202e" not in source
    assert list(site.temporary.iterdir()) == []


def test_feedback_is_kept_listed_exported_and_deleted(api: httpx.Client, site: Site) -> None:
    assert api.get("/api/feedback").json() == {"corrections": []}
    assert not site.store.path.exists()
    first = api.post(
        "/api/feedback", json={"said": "clear", "right": False, "patterns": ["delayed_reveal"], "text": "あ"}
    )
    assert first.status_code == 201
    api.post("/api/feedback", json={"said": "flagged", "right": False, "is_pitch": False})
    kept = api.get("/api/feedback").json()["corrections"]
    assert [item.get("text") for item in kept] == ["あ", None]
    assert kept[0]["pitch"] == 1
    assert kept[0]["delayed_reveal"] == 1
    assert kept[1]["pitch"] == 0
    lines = api.get("/api/feedback/export").text.splitlines()
    assert [json.loads(line) for line in lines] == kept
    assert api.delete(f"/api/feedback/{first.json()['id']}").json() == {"deleted": 1}
    problem(api.delete("/api/feedback/99"), 404, "no_such_correction")
    assert api.delete("/api/feedback").json() == {"deleted": 1}
    assert not site.store.path.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"said": "flagged", "right": "yes"},
        {"said": "flagged", "right": True, "patterns": ["nope"]},
        {"said": "flagged", "right": True, "text": " "},
    ],
)
def test_feedback_that_is_incomplete_is_a_problem(api: httpx.Client, site: Site, body: dict[str, object]) -> None:
    problem(api.post("/api/feedback", json=body), 422, "incomplete")
    assert not site.store.path.exists()


def test_feedback_that_contradicts_itself_is_a_problem(api: httpx.Client) -> None:
    body = {"said": "flagged", "right": False, "is_pitch": False, "patterns": ["network_hype"]}
    problem(api.post("/api/feedback", json=body), 422, "not_kept")
    problem(api.post("/api/feedback", json={"said": "nope", "right": False}), 422, "not_kept")
