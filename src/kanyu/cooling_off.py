"""Until when a contract can be cooled off, for the kinds of sale that have a period of their own.

The day on which the statutory document is received is day 1. Whatever is not listed here, or is in
doubt, is a question for 188: this module never says that a contract cannot be cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kanyu.errors import UsageError

__all__ = ["DEALS", "Deal", "last_day"]


@dataclass(frozen=True, slots=True)
class Deal:
    """A kind of sale.

    Attributes
    ----------
    id : str
        Fixed name.
    ja, en : str
        What a person calls it.
    days : int or None
        Length of the period, its first and last day included; None where 188 has to answer.
    source : str
        The law, as far as it was read in a source.
    from_delivery : bool
        Whether the period starts with the delivery of the goods where that is later.
    """

    id: str
    ja: str
    en: str
    days: int | None
    source: str = "特定商取引法"
    from_delivery: bool = False


DEALS: Final = (
    Deal(
        "chain",
        "マルチ・紹介で広げる取引(連鎖販売取引)",
        "Chain selling (MLM)",
        20,
        "特定商取引法40条",
        True,
    ),
    Deal(
        "visit",
        "会って勧められた契約(訪問販売。呼び出し・キャッチもふくむ)",
        "Sold face to face (door-to-door; also after an appointment or in the street)",
        8,
        "特定商取引法9条",
    ),
    Deal("phone", "電話で勧められた契約(電話勧誘販売)", "Sold by telephone", 8),
    Deal("job", "仕事を紹介するからと買わされた(業務提供誘引販売)", "Bought to get promised work", 20),
    Deal(
        "course",
        "エステ・美容医療・語学・家庭教師・塾・パソコン教室・結婚相手紹介(特定継続的役務提供)",
        "Long courses: beauty, language, tutoring, computer, matchmaking",
        8,
        "特定商取引法48条",
    ),
    Deal("purchase", "家に来た業者に物を売った(訪問購入)", "Sold your goods to a buyer who called at your home", 8),
    Deal(
        "own_law",
        "宅地・建物(業者の事務所の外で)、保険",
        "Real estate (outside the dealer's office), insurance",
        8,
        "それぞれの法律",
    ),
    Deal("mail", "ネットや通販で自分から申し込んだ(通信販売)", "Ordered by mail or on the web", None),
    Deal("other", "そのほか・わからない", "Something else, or not sure", None),
)
"""The kinds of sale that the calculator offers."""

_BY_ID: Final = {deal.id: deal for deal in DEALS}


def last_day(kind: str, received: date, delivered: date | None = None) -> date | None:
    """The last day on which a contract can be cooled off.

    Parameters
    ----------
    kind : str
        The id of one of :data:`DEALS`.
    received : date
        The day on which the statutory document was received: day 1.
    delivered : date, optional
        The day on which the goods arrived; it counts for chain selling where it is later.

    Returns
    -------
    date or None
        None where only 188 can tell. A notice takes effect on sending.

    Raises
    ------
    UsageError
        When `kind` is no kind of sale that is listed.

    Examples
    --------
    >>> last_day("chain", date(2024, 6, 19))
    datetime.date(2024, 7, 8)
    >>> last_day("visit", date(2024, 6, 19))
    datetime.date(2024, 6, 26)
    """
    if kind not in _BY_ID:
        raise UsageError(f"The 'kind' parameter must be one of {', '.join(_BY_ID)}. Got {kind!r} instead.")
    deal = _BY_ID[kind]
    if deal.days is None:
        return None
    first = max(received, delivered) if deal.from_delivery and delivered else received
    try:
        return first + timedelta(days=deal.days - 1)
    except OverflowError:
        return None
