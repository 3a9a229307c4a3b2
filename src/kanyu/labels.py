"""The names kanyu judges by: headline labels, signals, disclosures and the article's 15 patterns.

This module is data only. What each label means in full stands in ``data/annotation-guide.md``;
here is the one-line meaning that commands, reports and the page show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ARTICLE_PATTERNS",
    "DISCLOSURES",
    "EXTRA_LABELS",
    "HEADLINES",
    "LABELS",
    "MODEL_LABELS",
    "PATTERNS",
    "SIGNALS",
    "Label",
]


@dataclass(frozen=True, slots=True)
class Label:
    """One thing that kanyu looks for.

    Attributes
    ----------
    name : str
        The fixed English name (contract, JSON keys, table columns).
    ja, en : str
        A short title for people.
    meaning_ja, meaning_en : str
        One sentence that says when the label applies.
    article_patterns : tuple of int
        Which of the article's 15 patterns the label stands for, 1-based; empty for none.
    """

    name: str
    ja: str
    en: str
    meaning_ja: str
    meaning_en: str
    article_patterns: tuple[int, ...] = ()


HEADLINES: Final = ("pitch", "delayed_reveal", "risky_product", "network_hype")
"""The four headline labels, in the order in which ``flags`` lists them."""

PATTERNS: Final = HEADLINES[1:]
"""The three headline patterns; one of them at its threshold makes a verdict ``flagged``."""

SIGNALS: Final = (
    "own_product_selling",
    "low_value_service",
    "lifestyle_flaunting",
    "trust_then_pitch",
    "inflated_title",
    "struggling_business",
    "early_morning",
    "self_help",
    "group_cult",
    "idea_fishing",
    "forced_referral",
    "beginner_hunting",
    "group_noise",
    "event_ripoff",
    "pressure",
)
"""The article's other patterns, visible in the words of one message."""

DISCLOSURES: Final = ("who", "purpose", "product")
"""What a solicitor has to make clear before soliciting."""

EXTRA_LABELS: Final = ("refusal", "recruit_duty")

MODEL_LABELS: Final = (
    *HEADLINES,
    *SIGNALS,
    *(f"discloses_{name}" for name in DISCLOSURES),
    *EXTRA_LABELS,
)
"""Every label that a model can score, in the order of its weight rows."""

ARTICLE_PATTERNS: Final[dict[int, tuple[str, str]]] = {
    1: ("自分の商材を売りたい人の集まり", "everybody there wants to sell something of their own"),
    2: ("商材がヤバい", "the products are dangerous"),
    3: ("全体的にサービスのレベルが低い", "the services on offer are of a low level"),
    4: ("SNSでの金持ちアピール", "wealth shown off on social networks"),
    5: ("信頼関係ができた頃に営業される", "the pitch comes once some trust is there"),
    6: ("なんちゃって実業家", "businesspeople in name only"),
    7: ("本業が上手くいっていない人が集まる", "people whose own business does badly gather"),
    8: ("早朝の活動と自己啓発の賛美", "early mornings and self-help are praised"),
    9: ("変な人が管理職になっている", "odd people hold the offices"),
    10: ("忖度と宗教っぽさ", "loyalty games and an air of religion"),
    11: ("アイデアを盗もうとする", "ideas are fished for"),
    12: ("見込み客の紹介を強いられる", "members are made to refer prospects"),
    13: ("長くいる人が初心者をカモにする", "old hands prey on beginners"),
    14: ("無駄なSNS通知", "pointless notifications"),
    15: ("主催者のぼったくり感", "the organiser overcharges"),
}
"""Title of each of the article's patterns: (Japanese, English), by its number."""


def _label(name: str, ja: str, en: str, meaning_ja: str, meaning_en: str, *patterns: int) -> tuple[str, Label]:
    return name, Label(name, ja, en, meaning_ja, meaning_en, patterns)


LABELS: Final[dict[str, Label]] = dict(
    (
        _label(
            "pitch",
            "売り込み",
            "sales pitch",
            "何かを売る・誘う・勧めるための連絡です(誠実な営業もふくみます)。",
            "The sender sells, recruits or invites to something that serves a sale (honest ones too).",
        ),
        _label(
            "delayed_reveal",
            "後出し",
            "delayed reveal",
            "何の話か、誰なのかを伏せたまま、会う・話す・登録する方へ誘っています。",
            "The sender draws the reader on while holding back what it is about or who they are.",
            5,
        ),
        _label(
            "risky_product",
            "ヤバい商材",
            "risky product",
            "お金を失うおそれが大きい種類の話が書かれています。",
            "The message names or describes an offer on which buyers are likely to lose.",
            2,
        ),
        _label(
            "network_hype",
            "ネットワークビジネス風の煽り",
            "network-business hype",
            "自由・仲間・成功者・紹介だけ、といったネットワークビジネス風の言葉で気持ちを動かそうとしています。",
            "The language of network business (freedom, companions, successful people) draws the reader in.",
            4,
            8,
            14,
        ),
        _label(
            "own_product_selling",
            "自分の商材の売り込み",
            "selling one's own product",
            "出会いの場を使って、自分の商品やサービスを売ろうとしています。",
            "An encounter is used to sell the sender's own product or service.",
            1,
        ),
        _label(
            "low_value_service",
            "質の見えにくいサービス",
            "low-value service",
            "HP制作・集客支援・SNS運用代行など、中身が見えにくいサービスの売り込みです。",
            "Web sites, ads or social-media services sold by people who find customers at events.",
            3,
        ),
        _label(
            "lifestyle_flaunting",
            "金持ちアピール",
            "flaunted lifestyle",
            "高級ホテル、タワマン、海外などの豊かな暮らしを見せて誘っています。",
            "Wealth (lounges, towers, travel, cars) is shown as bait.",
            4,
        ),
        _label(
            "trust_then_pitch",
            "仲良くなってからの勧誘",
            "trust first, then the pitch",
            "できた信頼関係を使って、話を切り出しています。",
            "The relationship that was built up is used to open the pitch.",
            5,
        ),
        _label(
            "inflated_title",
            "なんちゃって実業家",
            "inflated title",
            "あいまいな肩書きや経歴を大きく見せています。",
            "Vague or padded titles and careers.",
            6,
            9,
        ),
        _label(
            "struggling_business",
            "本業がうまくいっていない",
            "struggling business",
            "本業や生活の苦しさと結びつけて誘っています。",
            "The pitch ties in with a main business or a living that does badly.",
            7,
        ),
        _label(
            "early_morning",
            "早朝活動の賛美",
            "early-morning praise",
            "朝会・朝活など早朝の活動をすばらしいものとして誘っています。",
            "Early-morning meetings are praised and used to draw in.",
            8,
        ),
        _label(
            "self_help",
            "自己啓発",
            "self-help",
            "自己啓発・意識改革の言葉で誘っています。",
            "Self-improvement talk is used to draw in.",
            8,
        ),
        _label(
            "group_cult",
            "囲い込み・宗教っぽさ",
            "cult-like group",
            "会への忠誠や参加の継続を求めています。",
            "Loyalty to the group, pressure to join or to stay.",
            9,
            10,
        ),
        _label(
            "idea_fishing",
            "アイデアの聞き出し",
            "idea fishing",
            "企画やノウハウをただで聞き出そうとしています。",
            "Plans or know-how are drawn out of the reader for nothing.",
            11,
        ),
        _label(
            "forced_referral",
            "紹介の強要",
            "forced referral",
            "知り合いの紹介や、見返りの購入を求めています。",
            "Others must be referred, or something bought in return.",
            12,
        ),
        _label(
            "beginner_hunting",
            "初心者ねらい",
            "beginner hunting",
            "初心者・学生・独立したての人をねらった誘いです。",
            "Beginners, students or the newly independent are the target.",
            13,
        ),
        _label(
            "group_noise",
            "一斉送信・過剰な通知",
            "group noise",
            "一斉のあいさつや、テンションの高い告知です。",
            "Mass greetings and high-tension broadcasts.",
            14,
        ),
        _label(
            "event_ripoff",
            "割高なイベント",
            "overpriced event",
            "中身のわりに会費の高い催しへの誘いです。",
            "A cheap event for a fee.",
            15,
        ),
        _label(
            "pressure",
            "断りにくくする圧力",
            "pressure",
            "期限・罪悪感・義理・借金などで断りにくくしています。",
            "Urgency, guilt, obligation or borrowed money make refusing hard.",
            5,
            12,
        ),
        _label(
            "discloses_who",
            "名乗り",
            "says who",
            "売り手としての氏名や会社名を名乗っています。",
            "The sender gives a real name or company, as the seller.",
        ),
        _label(
            "discloses_purpose",
            "目的の明示",
            "says the purpose",
            "勧誘・販売が目的だと伝えています。",
            "The message says that it is about selling, signing up or soliciting.",
        ),
        _label(
            "discloses_product",
            "商品の明示",
            "says the product",
            "何の商品・サービスかを伝えています。",
            "The message says which product or service it is.",
        ),
        _label(
            "refusal",
            "断り",
            "refusal",
            "はっきり断っています。",
            "The writer clearly declines.",
        ),
        _label(
            "recruit_duty",
            "勧誘の義務",
            "duty to recruit",
            "人を誘うことが義務、または元を取る方法だとされています。",
            "Recruiting others is a duty or the way to get the money back.",
        ),
    )
)
"""Every label by name, in the order of :data:`MODEL_LABELS`."""
