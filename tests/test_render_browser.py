"""The report in a real browser: its policy, its switches, its calculator, its links."""

import os
import shutil
from datetime import date, timedelta

import pytest
from playwright import sync_api

from kanyu import read_export
from kanyu.cooling_off import DEALS, last_day
from kanyu.render.html import render_report
from tests.chromium import FLAGS

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("KANYU_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except sync_api.Error:
            pytest.fail("no Chromium here: install the package chromium, or set KANYU_BROWSER to one")
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(detector, root, tmp_path_factory):
    samples = root / "tests" / "samples" / "line"
    chats = [chat for name in ("demo-ordinary.txt", "demo-pitch.txt") for chat in read_export(samples / name)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(render_report(detector.scan(chats)).encode())
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP", timezone_id="Asia/Tokyo")
    opened = context.new_page()
    complaints = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request", lambda request: complaints.append(request.url) if request.url.split("#")[0] != address else None
    )
    opened.goto(address)
    yield opened
    context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_cut_off_at_any_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_mark_opens_its_message_and_takes_the_focus_there(page):
    page.locator(".heat a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.matches('.msg')")
    assert "#" + page.evaluate("document.activeElement.id") == page.evaluate("location.hash")


def test_a_message_in_a_closed_stretch_is_opened_by_its_address(page):
    hidden = page.locator(".gap .msg").first
    assert not hidden.is_visible()
    page.evaluate("id => { location.hash = id }", hidden.get_attribute("id"))
    hidden.wait_for(state="visible")


def test_names_and_texts_can_be_hidden(page):
    assert "桐谷" in page.inner_text("body")
    page.check("#hide-names")
    assert "桐谷" not in page.inner_text("body")
    assert "Bさん" in page.inner_text("body")
    assert "自動売買" in page.inner_text("body")
    page.check("#hide-texts")
    assert "自動売買" not in page.inner_text("body")
    assert "本文をかくしています" in page.inner_text("body")


def test_the_theme_can_be_chosen(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    page.select_option("#theme", "light")
    light = page.evaluate(colour)
    page.select_option("#theme", "dark")
    assert page.evaluate(colour) != light


@pytest.mark.parametrize("deal", DEALS, ids=lambda deal: deal.id)
def test_the_calculator_agrees_with_the_library(page, deal):
    today = date.fromisoformat(page.evaluate("new Date().toLocaleDateString('sv')"))
    page.select_option("#co-kind", deal.id)
    for ago in (0, 1, 7, 8, 19, 20):
        received = today - timedelta(days=ago)
        page.fill("#co-date", received.isoformat())
        said = page.inner_text("#co-answer")
        last = last_day(deal.id, received)
        if last is None:
            assert "188" in said
            assert "年" not in said
            continue
        assert f"{last.year}年{last.month}月{last.day}日" in said
        left = (last - today).days + 1
        assert (f"あと{left}日" in said) if left > 0 else ("188" in said and "あと" not in said)


def test_the_calculator_minds_a_later_delivery_and_a_missing_document(page):
    today = date.fromisoformat(page.evaluate("new Date().toLocaleDateString('sv')"))
    page.select_option("#co-kind", "chain")
    page.fill("#co-date", (today - timedelta(days=30)).isoformat())
    page.fill("#co-goods", today.isoformat())
    assert "あと20日" in page.inner_text("#co-answer")
    page.select_option("#co-kind", "visit")
    assert not page.locator("#co-goods").is_visible()
    assert "188" in page.inner_text("#co-answer")
    page.check("#co-none")
    assert "始まっていない可能性" in page.inner_text("#co-answer")


def test_a_reply_can_be_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator("button[data-copy=reply-no]")
    button.click()
    page.wait_for_function("document.querySelector('button[data-copy=reply-no]').textContent === '写しました'")


def test_print_shows_no_switches(page):
    page.emulate_media(media="print")
    assert not page.locator("#hide-names").is_visible()
    assert not page.locator("#co-kind").is_visible()
    assert page.locator(".first").is_visible()


def test_every_control_has_a_name(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('select, input, button')].filter(
             e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.ariaLabel).length"""
    )
    assert nameless == 0
