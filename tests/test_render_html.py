import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from kanyu import read_export
from kanyu.messages import Conversation, Message, Skipped
from kanyu.render.html import MAX_EMBEDDED, render_report

RISKY = "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"
START = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>\"' &amp; {{ 7*7 }} \u202e\x00\x1b"


def talk(*messages, title="友人", me="私"):
    return Conversation(
        title,
        "line",
        "talk.txt",
        [Message(name, text, START + timedelta(hours=k)) for k, (name, text) in enumerate(messages)],
        me,
    )


@pytest.fixture(scope="module")
def pitch(detector, root):
    return detector.scan(read_export(root / "tests" / "samples" / "line" / "demo-pitch.txt"))


@pytest.fixture(scope="module")
def ordinary(detector, root):
    return detector.scan(read_export(root / "tests" / "samples" / "line" / "demo-ordinary.txt"))


def parsed(report, **options):
    return html.document_fromstring(render_report(report, **options).encode())


def policy(page):
    (meta,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']")
    return meta.get("content")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_comes_from_outside(pitch, lang):
    page = parsed(pitch, lang=lang)
    for element in page.iter():
        assert element.tag not in ("img", "link", "iframe", "object", "embed", "base", "form"), element.tag
        for name, value in element.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "action"):
                assert value.startswith("#"), value
    text = html.tostring(page, encoding="unicode")
    assert not re.search(r"https?://|@import|url\(", text)


def test_the_policy_allows_exactly_our_own_script_and_style(pitch):
    page = parsed(pitch)
    text = render_report(pitch)
    for tag in ("script", "style"):
        (element,) = page.xpath(f"//{tag}")
        body = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy(page)
        assert not element.attrib
    assert "unsafe" not in policy(page)
    assert policy(page).startswith("default-src 'none'")


def test_it_says_on_top_that_it_holds_private_messages(pitch):
    page = parsed(pitch)
    (aside,) = page.xpath("//aside")
    assert "個人のやりとりが入っています" in aside.text_content()
    assert page.xpath("//*[@id='hide-names']")
    assert page.xpath("//*[@id='hide-texts']")


def test_every_inner_link_leads_somewhere_and_ids_are_unique(pitch):
    page = parsed(pitch)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in page.xpath("//@href")}
    assert targets <= set(ids)
    assert page.xpath("//svg//a/@href")
    for name in ("aria-labelledby",):
        assert set(page.xpath(f"//@{name}")) <= set(ids)


def test_evidence_is_marked_and_names_are_isolated(pitch):
    page = parsed(pitch)
    marked = "".join(mark.text_content() for mark in page.xpath("//li//mark"))
    assert "8%" in marked
    for name in page.xpath("//*[contains(concat(' ', @class, ' '), ' msg-head ')]/*[1]"):
        assert name.tag == "bdi"


def test_the_course_the_disclosures_and_the_help_are_there(pitch):
    said = parsed(pitch).text_content()
    for part in (
        "やりとりの流れ",
        "仕掛け",
        "まだ明かされていません",
        "断ったあとの押し",
        "188",
        "#9110",
        "0570-078374",
        "お断りします",
    ):
        assert part in said


def test_english_holds_no_japanese_but_names_texts_and_sources(ordinary):
    page = parsed(ordinary, lang="en")
    assert page.get("lang") == "en"
    for part in page.xpath("//h1|//h2[not(.//bdi)]|//h3|//h4|//summary|//label/text()"):
        words = part if isinstance(part, str) else part.text_content()
        assert not re.search("[ぁ-んァ-ヶ]", words), words


def test_an_ordinary_chat_gets_a_calm_page_without_its_texts(ordinary):
    page = parsed(ordinary)
    assert "見つかりませんでした" in page.xpath("//h1")[0].text_content()
    assert not page.xpath("//*[contains(@class, 'bubble')]")


def test_hostile_names_titles_texts_and_reasons_stay_text(detector):
    chat = talk((HOSTILE, RISKY + HOSTILE), ("私", HOSTILE), (HOSTILE, RISKY), title=HOSTILE)
    chat = replace(chat, source=HOSTILE, skipped=[Skipped(3, HOSTILE)])
    report = replace(detector.scan(chat), errors=((HOSTILE, HOSTILE),))
    for options in ({}, {"lang": "en"}, {"with_names": False}, {"with_texts": False}):
        text = render_report(report, **options)
        page = html.document_fromstring(text.encode())
        assert len(page.xpath("//script")) == len(page.xpath("//style")) == 1
        assert not page.xpath("//img")
        assert "alert(1)" not in page.xpath("//script")[0].text
        assert not set("\u202e\x00\x1b") & set(text)


def test_names_left_out_are_in_no_part_of_the_file(pitch):
    text = render_report(pitch, with_names=False)
    assert "桐谷" not in text
    assert "あやさん" not in text
    assert "demo-pitch" not in text
    assert "hide-names" not in re.sub("<style>.*?</style>", "", text, flags=re.DOTALL)


def test_texts_left_out_are_in_no_part_of_the_file(pitch):
    text = render_report(pitch, with_texts=False)
    for message in pitch.conversations[0].conversation.messages:
        if len(message.text) > 12:
            assert message.text[:12] not in text
    assert "桐谷" in text


def test_hidden_names_have_one_alias_each_everywhere(pitch):
    page = parsed(pitch)
    pairs = {
        (name.xpath("string(*[@class='n-real'])"), name.xpath("string(*[@class='n-alias'])"))
        for name in page.xpath("//*[@class='n'][not(ancestor::h2)]")
    }
    assert ("あや", "あなた") in pairs
    assert {alias for name, alias in pairs if "桐谷" in name} == {"Aさん"}


def test_a_very_long_log_holds_only_what_matters_and_says_so(detector):
    n = MAX_EMBEDDED * 2
    rows = [("友人" if k % 2 else "私", f"今日は{k}番の席です") for k in range(n)]
    rows[n // 2 + 1] = ("友人", RISKY)
    text = render_report(detector.scan(talk(*rows)))
    assert len(text) < 200_000
    assert f"メッセージが{n}通と多い" in text
    shown = set(re.findall(r'id="c0m(\d+)"', text))
    assert str(n // 2 + 1) in shown
    assert str(n // 2 - 1) in shown
    assert str(n // 4) not in shown
    left_out = re.search(r"(\d+)通を省いています。", text)
    assert int(left_out[1]) == n - len(shown)


def test_a_short_log_with_a_finding_holds_every_message(pitch):
    shown = re.findall(r'id="c0m(\d+)"', render_report(pitch))
    assert shown == [str(index) for index in range(len(pitch.conversations[0].conversation))]


def test_nothing_at_all_is_a_page_too(detector):
    assert "<h1" in render_report(detector.scan([]))
    assert "<h1" in render_report(detector.scan(talk()))


def test_unknown_dates_a_group_and_an_unknown_owner_are_shown(detector):
    chat = Conversation("", "line", "talk.txt", [Message(f"人{k % 5}", RISKY if k == 3 else "はい") for k in range(40)])
    said = parsed(detector.scan(chat)).text_content()
    assert "日時は不明" in said
    assert "あなたの名前は不明" in said


def test_the_same_scan_gives_the_same_page(pitch):
    assert render_report(pitch) == render_report(pitch)
