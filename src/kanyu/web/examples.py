"""Messages to try, all invented."""

from __future__ import annotations

from typing import Final

__all__ = ["EXAMPLES"]

EXAMPLES: Final = (
    (
        "「会ってから話すね」",
        "“I will tell you when we meet”",
        "久しぶり!元気してた?最近すごい人と出会って、人生観が変わったんだよね。"
        "どうしても会わせたくて!詳しくは会ってから話すから、来週カフェで1時間だけもらえないかな?",
    ),
    (
        "「元本保証で月8%」",
        "“8 % a month, guaranteed”",
        "ここだけの話なんだけど、入会金38万円で元本保証、月利8%の運用があるの。"
        "2人紹介すればすぐ元が取れるし、学生ローンで払っている人も多いよ。枠があと3人だから今日中に返事ちょうだい!",
    ),
    (
        "名乗っている営業",
        "an honest sales mail",
        "お世話になっております。みどり文具の田中です。新しい名刺印刷プラン(100枚1,980円から)のご案内です。"
        "ご興味がございましたら、このメールにご返信ください。ご不要の場合はその旨お知らせいただければ、以後お送りしません。",
    ),
    ("友だちとの約束", "friends making plans", "了解です。10時に改札前で!帰りにみんなでご飯食べよう"),
)
"""Title in Japanese and English, and the message."""
