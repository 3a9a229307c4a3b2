"""What both families of LINE's text exports share: headers, placeholders and notices."""

from __future__ import annotations

import re

from .base import strip_marks

__all__ = ["is_notice", "is_placeholder", "is_save_line", "names_in_notice", "parse_title"]

# "[写真]", "[スタンプ] (null)", "(emoji)(emoji)", "[null] https://maps.google…"
BRACKETED = re.compile(
    r"\[(?:スタンプ|写真|画像|動画|ボイスメッセージ|ファイル|連絡先|プレゼント|アルバム|ノート|位置情報"
    r"|投票|絵文字|Sticker|Photo|Video|File|Contact|Gift|Album|Note|Location|Poll|Audio|Image"
    r"|Voice message|照片|貼圖|影片|檔案|語音訊息|記事本|聯絡資訊|位置資訊|禮物|相簿|图片|贴图|视频"
    r"|文件|รูป|สติกเกอร์|วิดีโอ|ไฟล์|ข้อความเสียง|사진|스티커|동영상|파일|음성메시지)\](?: \(null\))?"
)
EMOJI = re.compile(r"(?:\(emoji\)\s?)+")
NULL_PLACE = re.compile(r"\[null\] https?://\S+")
# "☎ 通話時間 1:02:03", "☎ 不在着信", "☎ No answer", "☎ 通話時間0:53"
CALL = re.compile(
    r"☎\ufe0f? ?(?:(?:通話時間|通话时间|Call time|เวลาโทร|통화 시간) ?\d{1,3}(?::\d{2}){1,2}"
    r"|不在着信|通話をキャンセルしました|通話に応答がありませんでした"
    r"|グループ(?:音声|ビデオ)?通話が(?:開始|終了)(?:(?:され|し)?ました)?。?"
    r"|Cancell?ed call|No answer|Missed call|Group (?:voice |video )?call (?:started|ended)\.?"
    r"|未接來電|已取消通話|無人接聽|已取消|無回應)"
)
# "アルバムに写真を追加しました", "イベント「test」が作成されました。"
ACTIVITY = re.compile(
    r"(?:「[^」]{1,60}」)?アルバム(?:「[^」]{1,60}」)?(?:に写真を追加|を作成)しました。?"
    r"|ノートに(?:投稿|コメント)しました。?|新しいノートを作成しました。?"
    r"|イベント「[^」]{1,60}」が作成されました。?|あみだくじを作成しました。?"
    r"|(?:投票|日程調整)(?:「[^」]{1,60}」)?を作成しました。?"
    r"|メッセージの送信を取り消しました。?|(?:You )?[Uu]nsent a message\.?"
    r"|已收回訊息|撤回了一条消息"
)
# What an app says by itself; each ends where the line ends: "Bがメッセージの送信を取り消しました"
NOTICE = re.compile(
    r"(?P<who>.{0,80}?)(?:"
    r"が?メッセージの送信を取り消しました|が(?:<u>)?アナウンスしました(?:</u>)?"
    r"|がグループに参加しました|が参加しました|が(?:グループを)?退会しました|がグループから退会しました"
    r"|が.{1,80}をグループ(?:に招待しました|から削除しました|から退会させました|に追加しました)"
    r"|が.{1,80}の?招待をキャンセルしました"
    r"|が.{1,80}を招待しました|がグループ(?:の?アイコン|の?プロフィール画像|名)を.{0,80}変更しました"
    r"|がアルバムを(?:削除|作成)しました"
    r"|グループ名を.{1,80}に変更しました|グループ(?:音声|ビデオ)?通話が(?:開始|終了)(?:され|し)?ました"
    r"|がビジネス版LINE ?「LINE WORKS」からトークに参加しました"
    r"|がトークの背景を変更しました|の(?:アカウント)?名?が変更されました|新しいノートを作成しました"
    r"| ?unsent a message| joined the (?:group|chat)| left the (?:group|chat)"
    r"| (?:added|invited|removed) .{1,80} (?:to|from) the (?:group|chat)"
    r"| made an announcement| changed the (?:group|chat) .{1,80}"
    r"|已收回訊息|已加入群組|已離開群組|已新增.{1,80}至群組|已設定公告"
    r"|撤回了一条消息|已加入该群|已退群|ยกเลิกข้อความแล้ว|เพิ่ม .{1,80} เข้ากลุ่ม"
    r")[。.]?(?:招待中の友だちが参加するまでしばらくお待ちください。)?"
)
NOTICE_ENDS = (
    "た",
    "た。",
    "</u>",
    "い。",
    "ge",
    "ge.",
    "oup",
    "oup.",
    "at",
    "at.",
    "nt",
    "訊息",
    "群組",
    "公告",
    "消息",
    "该群",
    "退群",
    "แล้ว",
    "กลุ่ม",
)
# The title of a header by language; `pair` names the other one, `group` the group.
TITLES = (
    re.compile(r"(?P<pair>.+)とのトーク履歴"),  # 佐藤とのトーク履歴
    re.compile(r"(?P<group>.+)のトーク履歴"),  # 飲み会のトーク履歴
    re.compile(r"Chat history with (?P<pair>.+)"),  # Chat history with Sato
    re.compile(r"Chat history in (?P<group>.+)"),
    re.compile(r"[與与](?P<pair>.+)的聊天[記记][錄录]"),  # 與小林的聊天記錄
    re.compile(r"(?P<group>.+)的聊天[記记][錄录]"),
    re.compile(r"ประวัติการ(?:แชท|สนทนา)กับ ?(?P<pair>.+)"),
    re.compile(r"ประวัติการ(?:แชท|สนทนา) ?ในกลุ่ม ?(?P<group>.+)"),
    re.compile(r"(?P<pair>.+)(?:님|와|과)(?:의|과의) 대화"),
)
# The export's own file name, for a header that was cut: "[LINE] 佐藤とのトーク (1)"
FILE_TITLES = (
    re.compile(r"\[LINE\] ?(?P<pair>.+)とのトーク(?:履歴)?(?: ?\(\d+\))?"),
    re.compile(r"\[LINE\] ?(?P<group>.+)のトーク(?:履歴)?(?: ?\(\d+\))?"),
    re.compile(r"\[LINE\] ?Chat (?:history )?with (?P<pair>.+)"),
    re.compile(r"\[LINE\] ?(?P<other>.+)"),
)
# "保存日時：2025/07/24 14:30", "Saved on: 11/03/2025, 21:15", "บันทึกเมื่อ 04/09/2569 07:48"
SAVED = re.compile(
    r"(?:保存日時|Saved on|儲存日期|储存日期|保存日期)\s?[:：]\s*(.{0,40})"
    r"|บันทึก(?:เมื่อ|วันที่)\s*[:：]?\s*(.{0,40})"
)


def is_save_line(line: str) -> bool:
    """Whether this is the header's second line, ``保存日時：…``."""
    return SAVED.fullmatch(strip_marks(line)) is not None


def parse_title(line: str, *, is_file_name: bool = False) -> tuple[str, bool | None] | None:
    """Read a header's title line, or an export's file name.

    Returns
    -------
    (str, bool or None) or None
        The name in it, and whether it is a group's; None if the line is no title.
    """
    text = strip_marks(line)
    patterns: tuple[re.Pattern[str], ...] = FILE_TITLES if is_file_name else TITLES
    if not is_file_name:
        had_mark = text.startswith("[LINE]")
        text = text.removeprefix("[LINE]").strip()
        if had_mark and not any(pattern.fullmatch(text) for pattern in TITLES):
            return text, None
    for pattern in patterns:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            kind = next(name for name, value in found.items() if value is not None)
            name = strip_marks(found[kind] or "").strip('"')
            return name, {"pair": False, "group": True}.get(kind)
    return None


def is_placeholder(body: str) -> bool:
    """Whether the whole body only stands for a sticker, a photo, a call, an album …"""
    if len(body) > 200:
        return False
    first = body[:1]
    if first == "[":
        return bool(BRACKETED.fullmatch(body) or NULL_PLACE.fullmatch(body))
    if first == "(":
        return EMOJI.fullmatch(body) is not None
    if first == "☎":
        return CALL.fullmatch(body) is not None
    return body.endswith(NOTICE_ENDS) and ACTIVITY.fullmatch(body) is not None


def is_notice(body: str, sender: str | None = None) -> bool:
    """Whether the line is the app's own, such as a join; with a sender only if it names them."""
    if sender is not None and sender not in body:
        return False
    names = names_in_notice(body)
    return names is not None and (sender is None or sender in names)


def names_in_notice(line: str) -> tuple[str, ...] | None:
    """Who did what the app tells in this line, perhaps nobody; None if it is no notice."""
    if len(line) > 300 or not line.endswith(NOTICE_ENDS):
        return None
    match = NOTICE.fullmatch(line)
    if match is None:
        return None
    who = strip_marks(match["who"])
    middle = len(who) // 2
    if who[middle : middle + 1] == " " and who[:middle] == who[middle + 1 :]:
        who = who[:middle]  # "佐藤 佐藤がグループに参加しました。"
    return (who,) if who else ()
