"""The page in a real browser. Each tab also checks that nothing went outside and no policy was broken."""

from __future__ import annotations

import io
import json
import os
import shutil
import threading
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from kanyu.cli import run
from kanyu.detector import Detector, load
from kanyu.feedback import FeedbackStore
from kanyu.web import create_app

from .conftest import Site, Watched, serving, watch

pytestmark = pytest.mark.browser

HOOK = "すごい人に会わせたいんだよね。詳しくは会ってから話すね"


@pytest.fixture
def shots(root: Path, tmp_path: Path) -> Path:
    """Where pictures go: into the docs with KANYU_SCREENSHOTS=1, else away."""
    folder = root / "docs" / "images" if os.environ.get("KANYU_SCREENSHOTS") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def open_page(tab: Watched, site: Site, path: str = "/") -> None:
    tab.page.goto(site.address + path)
    expect(tab.page.locator("h1")).to_be_visible()


def paste(tab: Watched, text: str) -> None:
    tab.page.get_by_label("調べたい文").fill(text)
    tab.page.get_by_role("button", name="調べる", exact=True).click()
    expect(tab.page.locator(".verdict h2")).to_be_focused()


def choose(tab: Watched, *paths: Path) -> None:
    tab.page.locator("#file").set_input_files([str(path) for path in paths])
    tab.page.get_by_role("button", name="ファイルを調べる").click()


def assert_accessible(tab: Watched) -> None:
    found = Axe().run(
        tab.page, options={"iframes": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}
    )
    faults = [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found.response["violations"]]
    assert faults == []


def test_a_paste_becomes_a_verdict_with_coloured_words(tab: Watched, site: Site, shots: Path) -> None:
    open_page(tab, site)
    tab.page.screenshot(path=shots / "page-start.png")
    paste(tab, HOOK)
    expect(tab.page.locator(".verdict h2")).to_have_text("気をつけたい勧誘の特徴があります")
    marked = tab.page.locator("mark.k-delayed_reveal")
    assert "会ってから" in "".join(marked.all_inner_texts())
    assert tab.page.locator(".bubble").inner_text() == HOOK
    marked.first.hover()
    expect(tab.page.locator(".tip")).to_contain_text("後出し")
    expect(tab.page.locator(".tip")).to_contain_text("型5")
    expect(tab.page.get_by_role("heading", name="できること")).to_be_visible()
    assert "188" in tab.page.locator(".advice").inner_text()
    tab.page.locator("#answer").screenshot(path=shots / "page-result.png")
    assert "会って" not in tab.page.url


def test_offsets_hold_beyond_the_basic_plane(tab: Watched, site: Site) -> None:
    text = "😀𠮷田です👨‍👩‍👧すごい人に会わせたいんだよね。詳しくは会ってから話すね😀"
    open_page(tab, site)
    paste(tab, text)
    assert tab.page.locator(".bubble").inner_text() == text
    assert all("😀" not in words for words in tab.page.locator("mark").all_inner_texts())


def test_several_messages_at_once(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    tab.page.get_by_label("空の行で区切られた文を").check()
    paste(tab, f"了解です。10時に改札前で\n\n{HOOK}")
    expect(tab.page.locator(".verdict h2")).to_have_text("2通のうち1通に、気をつけたい特徴があります")
    assert tab.page.locator("details.one[open]").count() == 1
    assert_accessible(tab)


def test_a_piece_of_a_chat_is_checked_message_by_message(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    paste(tab, f"12:30\t桐谷\t{HOOK}\n12:31\tあや\tえ、だれ?\n12:40\t桐谷\t会ってからのお楽しみ!すごい人だから")
    expect(tab.page.locator(".verdict h2")).to_contain_text("3通のうち")
    expect(tab.page.locator("details.one summary").first).to_contain_text("桐谷")


def test_an_example_shows_an_ordinary_message_as_clear(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    tab.page.get_by_role("button", name="友だちとの約束").click()
    expect(tab.page.locator(".verdict h2")).to_have_text("勧誘の特徴は見つかりませんでした")
    assert tab.page.get_by_label("調べたい文").input_value().startswith("了解です")


def test_a_chosen_line_file_becomes_a_report(tab: Watched, site: Site, root: Path, shots: Path) -> None:
    open_page(tab, site)
    choose(tab, root / "tests" / "samples" / "line" / "demo-pitch.txt")
    expect(tab.page.locator(".verdict h2")).to_have_text("1人に、気をつけたい勧誘の特徴があります")
    frame = tab.page.frame_locator("iframe.report")
    expect(frame.locator("h1, h2").first).to_be_visible()
    tab.page.locator("#answer").screenshot(path=shots / "page-scan.png")
    hide = frame.get_by_label("名前をかくす")
    hide.check()  # the report's own script runs in its sandbox
    expect(frame.locator(".n-real").first).to_be_hidden()
    inner = next(one for one in tab.page.frames if "/report/" in one.url)
    assert inner.evaluate("window.origin") == "null"
    assert list(site.temporary.iterdir()) == []
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="報告書を保存する").click()
    assert "桐谷" in Path(download.value.path()).read_text("utf-8")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="名前を入れずに保存する").click()
    assert "桐谷" not in Path(download.value.path()).read_text("utf-8")
    tab.page.get_by_role("button", name="この結果を消す").click()
    expect(tab.page.locator("iframe.report")).to_have_count(0)
    expect(tab.page.locator("#file")).to_be_focused()


def test_the_report_alone_is_a_sandboxed_page(tab: Watched, site: Site, root: Path, shots: Path) -> None:
    open_page(tab, site)
    choose(tab, root / "tests" / "samples" / "line" / "demo-pitch.txt")
    address = tab.page.locator("iframe.report").get_attribute("src")
    assert address is not None
    tab.page.goto(site.address + address)
    assert tab.page.evaluate("window.origin") == "null"
    expect(tab.page.locator("h1").first).to_be_visible()
    tab.page.screenshot(path=shots / "report.png")
    reply = tab.context.request.get(site.address + address)
    policy = reply.headers["content-security-policy"]
    assert "sha256-" in policy
    assert "sandbox allow-scripts" in policy
    assert "unsafe" not in policy


def test_a_dropped_zip_is_read(tab: Watched, site: Site, root: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(root / "tests" / "samples" / "line" / "demo-pitch.txt", "トーク.txt")
    open_page(tab, site)
    transfer = tab.page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "線.zip"));
            return transfer;
        }""",
        list(packed.getvalue()),
    )
    tab.page.dispatch_event("#zone", "dragenter", {"dataTransfer": transfer})
    expect(tab.page.locator("html.dropping")).to_have_count(1)
    tab.page.dispatch_event("#zone", "drop", {"dataTransfer": transfer})
    expect(tab.page.locator(".verdict h2")).to_contain_text("1人に")


def test_a_scan_can_be_stopped(tab: Watched, site: Site, tmp_path: Path) -> None:
    for number in range(20):
        lines = [
            f"12:{i % 60:02}\t{'ab'[i % 2]}{number}\t{number * 1000 + i}番のお弁当を駅前で受け取りますね"
            for i in range(1500)
        ]
        body = "\n".join(("[LINE] aとのトーク履歴", "保存日時:2024/06/25 10:00", "", "2024/06/14(金)", *lines))
        (tmp_path / f"{number}.txt").write_text(body, "utf-8")
    open_page(tab, site)
    choose(tab, *sorted(tmp_path.glob("*.txt")))
    expect(tab.page.locator(".stage")).to_contain_text("調べています")
    expect(tab.page.get_by_role("progressbar")).to_be_visible()
    tab.page.get_by_role("button", name="やめる").click()
    expect(tab.page.locator(".working")).to_have_count(0)
    expect(tab.page.get_by_role("button", name="ファイルを調べる")).to_be_enabled()
    for _ in range(100):
        if not list(site.temporary.iterdir()):
            break
        tab.page.wait_for_timeout(100)
    assert list(site.temporary.iterdir()) == []


def test_a_file_that_is_no_chat_is_answered_in_words(tab: Watched, site: Site, tmp_path: Path) -> None:
    other = tmp_path / "写真.png"
    other.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    open_page(tab, site)
    choose(tab, other)
    expect(tab.page.locator(".problem h2")).to_have_text("このファイルは調べられませんでした")
    expect(tab.page.locator(".problem")).to_contain_text("写真.png")


def test_a_hostile_message_and_a_hostile_name_stay_inert(tab: Watched, site: Site, tmp_path: Path) -> None:
    bad = "document.title='bad'"
    evil = f'<img src=x onerror="{bad}"><script>{bad}</script><style>*{{display:none}}</style>'
    open_page(tab, site)
    paste(tab, f"{evil}{HOOK}")
    assert tab.page.locator(".bubble").inner_text().startswith("<img src=x")
    assert tab.page.locator(".bubble img, .bubble script, .bubble style").count() == 0
    log = tmp_path / "[LINE] a.txt"
    name = "<b onmouseover=alert(1)>佐藤</b>"
    log.write_text(
        f"[LINE] {name}とのトーク履歴\n保存日時:2024/06/25 10:00\n\n2024/06/14(金)\n"
        f"20:18\t{name}\t{HOOK}{evil}\n20:19\t{name}\t元本保証で月利8%、2人紹介すれば元が取れます\n",
        "utf-8",
    )
    choose(tab, log)
    expect(tab.page.locator("iframe.report")).to_be_visible()
    expect(tab.page.locator("#answer")).to_contain_text("<b onmouseover")
    frame = tab.page.frame_locator("iframe.report")
    expect(frame.locator("h1, h2").first).to_be_visible()
    assert frame.locator("b[onmouseover], img, main script").count() == 0
    assert "bad" not in tab.page.title()


def test_on_a_phone_nothing_is_cut_and_a_tap_explains(chromium: Browser, site: Site, shots: Path) -> None:
    tab = watch(chromium, site, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_page(tab, site)
    tab.page.screenshot(path=shots / "page-phone.png")
    paste(tab, HOOK)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tab.page.locator("mark.k-delayed_reveal").first.tap()
    expect(tab.page.locator(".tip")).to_contain_text("後出し")
    tab.page.screenshot(path=shots / "page-phone-result.png")
    sizes = tab.page.eval_on_selector_all(
        "button", "all => all.filter(one => one.offsetParent).map(one => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 40  # a finger's width
    assert_accessible(tab)
    assert (tab.outside, tab.complaints) == ([], [])
    tab.context.close()


def test_the_dark_page_is_readable(chromium: Browser, site: Site, shots: Path) -> None:
    tab = watch(chromium, site, viewport={"width": 1280, "height": 900}, color_scheme="dark")
    open_page(tab, site)
    paste(tab, HOOK)
    tab.page.screenshot(path=shots / "page-dark.png")
    assert_accessible(tab)  # contrast too
    tab.page.get_by_label("明るさ").select_option("light")
    assert tab.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert_accessible(tab)
    assert (tab.outside, tab.complaints) == ([], [])
    tab.context.close()


@pytest.mark.parametrize("path", ["/", "/?lang=en", "/feedback"])
def test_pages_pass_axe(tab: Watched, site: Site, path: str) -> None:
    open_page(tab, site, path)
    assert_accessible(tab)


def test_results_pass_axe(tab: Watched, site: Site, root: Path) -> None:
    open_page(tab, site)
    paste(tab, "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます。タワマンでホームパーティーします!")
    tab.page.locator(".teach summary").click()
    assert_accessible(tab)
    choose(tab, root / "tests" / "samples" / "line" / "demo-pitch.txt")
    expect(tab.page.locator("iframe.report")).to_be_visible()
    assert_accessible(tab)


def test_the_keyboard_is_enough(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    press = tab.page.keyboard.press
    press("Tab")
    expect(tab.page.get_by_role("link", name="本文へ進む")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(tab.page.get_by_label("調べたい文")).to_be_focused()
    tab.page.keyboard.insert_text(HOOK)
    press("Tab")
    press("Tab")
    expect(tab.page.get_by_role("button", name="調べる", exact=True)).to_be_focused()
    outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    press("Enter")
    expect(tab.page.locator(".verdict h2")).to_be_focused()
    press("Tab")
    expect(tab.page.locator("mark").first).to_be_focused()
    before = tab.page.locator(".tip").inner_text()
    press("Enter")
    assert tab.page.locator(".tip").inner_text() == before != ""
    assert tab.page.locator("mark").first.get_attribute("aria-expanded") == "true"


def test_english_throughout(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    tab.page.get_by_role("link", name="English").click()
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    tab.page.get_by_label("The message").fill(HOOK)
    tab.page.get_by_role("button", name="Check", exact=True).click()
    expect(tab.page.locator(".verdict h2")).to_have_text("This shows patterns of a pitch to be careful with")
    expect(tab.page.get_by_role("heading", name="What you can do")).to_be_visible()


def test_history_only_where_asked_for_and_gone_with_the_tab(tab: Watched, site: Site) -> None:
    open_page(tab, site)
    paste(tab, HOOK)
    expect(tab.page.locator("#history")).to_be_hidden()
    tab.page.get_by_label("このタブを閉じるまで").check()
    paste(tab, "了解です。10時に改札前で")
    expect(tab.page.locator("#history-list li")).to_have_count(1)
    tab.page.reload()
    expect(tab.page.locator("#history")).to_be_hidden()
    stored = tab.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert stored == [0, 0, ""]


def test_a_server_that_is_gone_is_told_in_words(chromium: Browser, detector: Detector, tmp_path: Path) -> None:
    with serving(create_app(detector, FeedbackStore(tmp_path / "f"))) as port:
        site = Site(f"http://127.0.0.1:{port}", port, FeedbackStore(tmp_path / "f"), tmp_path)
        tab = watch(chromium, site)
        open_page(tab, site)
    tab.page.get_by_label("調べたい文").fill(HOOK)
    tab.page.get_by_role("button", name="調べる", exact=True).click()
    expect(tab.page.get_by_role("alert")).to_contain_text("kanyuにつながりません")
    tab.context.close()


def test_the_api_page_comes_from_this_machine(tab: Watched, site: Site) -> None:
    tab.page.goto(site.address + "/api/docs")
    expect(tab.page.get_by_text("/api/check")).to_be_visible()
    tab.page.get_by_text("/api/check").click()
    expect(tab.page.get_by_text("Try it out").first).to_be_visible()


def test_no_javascript_is_needed_for_a_paste(chromium: Browser, site: Site, root: Path) -> None:
    tab = watch(chromium, site, java_script_enabled=False)
    open_page(tab, site)
    tab.page.get_by_label("調べたい文").fill(HOOK)
    tab.page.get_by_role("button", name="調べる", exact=True).click()
    expect(tab.page.locator(".verdict h2")).to_have_text("気をつけたい勧誘の特徴があります")
    choose(tab, root / "tests" / "samples" / "line" / "demo-pitch.txt")
    expect(tab.page.locator(".verdict h2")).to_contain_text("1人に", timeout=15_000)
    assert (tab.outside, tab.complaints) == ([], [])
    tab.context.close()


BRIEFS = ("b01", "b05", "b10")
CORRECTED = "土曜のフットサル、うちの父が運営してる会なんだけど、会わせたい人もいるから一度来てみない?参加費は500円だよ"
SIMILAR = "来週のフットサルも父の会なんだけど、会わせたい人がいるから来てみない?参加費500円ね"


@pytest.fixture(scope="module")
def small(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Some of our data, and a model of it."""
    folder = tmp_path_factory.mktemp("small")
    data = folder / "data"
    data.mkdir()
    for brief in BRIEFS:
        shutil.copy(root / "data" / "messages" / f"{brief}.jsonl", data)
    model = folder / "model.safetensors"
    assert in_a_thread(["train", str(data), "--out", str(model), "--jobs", "1"]) == 0
    return data, model


def in_a_thread(arguments: list[str]) -> int:
    """Run a command away from Playwright's loop."""
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(run(arguments)))
    thread.start()
    thread.join()
    return statuses[0]


def test_a_correction_in_the_browser_changes_the_retrained_model(
    chromium: Browser,
    small: tuple[Path, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    shots: Path,
) -> None:
    data, model = small
    before = load(model)
    old = before.check(SIMILAR)
    assert before.check(CORRECTED).verdict != "clear"
    assert old.verdict != "clear"
    store = FeedbackStore(tmp_path / "feedback.sqlite3")
    with serving(create_app(before, store)) as port:
        site = Site(f"http://127.0.0.1:{port}", port, store, tmp_path)
        tab = watch(chromium, site, viewport={"width": 1280, "height": 900})
        open_page(tab, site)
        paste(tab, CORRECTED)
        tab.page.locator(".teach summary").click()
        tab.page.get_by_label("ふつうの連絡").check()
        tab.page.get_by_label("文も一緒に").check()
        tab.page.locator(".teach").screenshot(path=shots / "page-feedback.png")
        tab.page.get_by_role("button", name="訂正を保存する").click()
        expect(tab.page.get_by_role("heading", name="ありがとうございます")).to_be_focused()
        tab.page.get_by_role("link", name="保存した訂正を見る").click()
        expect(tab.page.locator("blockquote")).to_have_text(CORRECTED)
        assert_accessible(tab)
        assert (tab.outside, tab.complaints) == ([], [])
        tab.context.close()
    assert [row["text"] for row in store.training_rows()] == [CORRECTED]
    capfd.readouterr()
    taught = tmp_path / "taught.safetensors"
    shutil.copy(model, taught)
    monkeypatch.setenv("KANYU_FEEDBACK", str(store.path))
    assert in_a_thread(["train", str(data), "--out", str(taught), "--jobs", "1", "--feedback"]) == 0
    told = capfd.readouterr().out
    assert "前のモデル 0/1 → 新しいモデル 1/1" in told
    assert "学習データ" in told
    assert CORRECTED not in told
    after = load(taught)
    new = after.check(SIMILAR)
    assert new.verdict == "clear"
    assert new.labels["pitch"].probability < old.labels["pitch"].probability
    assert after.check(HOOK).verdict == "flagged"  # what is right stays right


def test_all_corrections_can_be_deleted_on_the_page(tab: Watched, site: Site) -> None:
    site.store.add("flagged", False, is_pitch=False, text="消える文")
    site.store.add("clear", True, is_pitch=False)
    open_page(tab, site, "/feedback")
    expect(tab.page.locator(".kept > li")).to_have_count(2)
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="ファイルに書き出す").click()
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert json.loads(lines[0])["text"] == "消える文"
    tab.page.get_by_role("button", name="訂正を消す 2").click()
    expect(tab.page.locator(".kept > li")).to_have_count(1)
    tab.page.get_by_role("button", name="すべて消す").click()
    expect(tab.page.locator("main")).to_contain_text("まだ何も保存していません")
    assert not site.store.path.exists()
