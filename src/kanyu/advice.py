"""What a reader can do, each with its source. kanyu points at words; it never says what is illegal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

__all__ = ["ADVICE", "Advice", "advice_for"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice.

    Attributes
    ----------
    id : str
        Fixed name.
    ja, en : str
        The advice.
    source : str
        Where it comes from (Japanese law or office).
    """

    id: str
    ja: str
    en: str
    source: str

    def to_dict(self, lang: str = "ja") -> dict[str, str]:
        """The JSON form, in one language."""
        return {"id": self.id, "text": self.ja if lang == "ja" else self.en, "source": self.source}


ADVICE: Final = {
    advice.id: advice
    for advice in (
        Advice(
            "ask_purpose_first",
            "会う前に「どなたの、何のお話ですか。勧誘や販売はありますか」と文字で聞いてみてください。訪問販売や連鎖販売取引では、勧誘の前に名前・目的・商品の種類を伝える義務があります。答えが返ってこないなら、会わないのが安全です。",
            "Before you meet, ask in writing who it is for, what it is about, and whether anything is sold. In door-to-door and chain selling the solicitor has to say name, purpose and kind of product first. No answer: better not to go.",
            "特定商取引法3条・33条の2(訪問販売・連鎖販売取引に当たる場合)",
        ),
        Advice(
            "refuse_clearly",
            "断るときは「お断りします。今後この件の連絡は不要です」とはっきり伝えてください。理由は要りません。「考えておきます」は断ったことになりません。",
            "To refuse, say so plainly: “No, thank you. Please do not contact me about this again.” No reason is needed. “I will think about it” does not count as a refusal.",
            "特定商取引法3条の2(訪問販売に当たる場合)",
        ),
        Advice(
            "do_not_pay_now",
            "その場でお金を払ったり、借りたり、身分証や口座の情報を送ったりしないでください。「必ずもうかる」などの断定で結んだ契約は、取り消せる可能性があります。",
            "Do not pay, borrow, or send identity or bank details on the spot. A contract made on a promise such as “sure profit” may be open to cancellation.",
            "消費者契約法4条1項2号",
        ),
        Advice(
            "check_registration",
            "投資や暗号資産の話なら、金融庁の「登録業者の一覧」と「無登録業者への警告の一覧」で会社の名前を確かめてください。",
            "For investments or crypto, look the firm up in the Financial Services Agency's lists of registered firms and of warnings.",
            "金融庁",
        ),
        Advice(
            "cooling_off",
            "契約したあとでも、書面を受け取った日をふくめて、連鎖販売取引は20日、訪問販売は8日のあいだはクーリング・オフできる可能性があります。メールでもできます。画面の写しを残してください。",
            "After signing, cooling-off may be possible: 20 days for chain selling, 8 for door-to-door selling, counted from the day the document was received. E-mail will do; keep a screenshot.",
            "特定商取引法40条・9条",
        ),
        Advice(
            "go_with_somebody",
            "どうしても会うなら、人の多い場所で、だれかと一緒に。行き先と時間を家族や友人に伝えておいてください。",
            "If you do meet, choose a busy place, take somebody along, and tell family or friends where and when.",
            "kanyu",
        ),
        Advice(
            "call_188",
            "迷ったら、消費者ホットライン188(いやや)へ。近くの消費生活センターにつながり、相談は無料です(通話料はかかります)。",
            "When in doubt call 188, the consumer hotline. Advice is free (the call is not).",
            "消費者ホットライン188",
        ),
        Advice(
            "call_9110",
            "荷物の受け取り、口座やスマホの貸し借り、高額の「簡単な仕事」は、犯罪に巻き込まれる可能性があります。応じる前に警察相談専用電話 #9110 へ。",
            "Receiving parcels, lending accounts or phones, and highly paid “easy jobs” may draw you into crime. Call the police advice line #9110 before you answer.",
            "警察相談専用電話 #9110",
        ),
    )
}
"""Every piece of advice by its id."""


def advice_for(verdict: str, flags: Collection[str], recruit_duty: bool = False) -> tuple[Advice, ...]:
    """Choose the advice that fits a verdict.

    Parameters
    ----------
    verdict : str
        ``flagged``, ``ordinary_pitch``, ``undecided`` or ``clear``.
    flags : collection of str
        The headline labels that reached their thresholds.
    recruit_duty : bool
        Whether recruiting is made a duty.

    Returns
    -------
    tuple of Advice
        Most useful first; empty for a clear message.
    """
    wanted: list[str] = []
    if "delayed_reveal" in flags:
        wanted += ["ask_purpose_first"]
    if "risky_product" in flags:
        wanted += ["do_not_pay_now", "check_registration", "call_9110"]
    if "network_hype" in flags or recruit_duty:
        wanted += ["ask_purpose_first", "cooling_off"]
    if verdict == "flagged":
        wanted += ["refuse_clearly", "go_with_somebody", "call_188"]
    elif verdict == "ordinary_pitch":
        wanted += ["refuse_clearly"]
    elif verdict == "undecided":
        wanted += ["ask_purpose_first", "call_188"]
    return tuple(ADVICE[name] for name in dict.fromkeys(wanted))
