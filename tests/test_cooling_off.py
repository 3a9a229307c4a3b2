from datetime import date

import pytest

from kanyu.cooling_off import DEALS, last_day
from kanyu.errors import UsageError

RECEIVED = date(2024, 6, 19)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("chain", date(2024, 7, 8)),
        ("job", date(2024, 7, 8)),
        ("visit", date(2024, 6, 26)),
        ("phone", date(2024, 6, 26)),
        ("course", date(2024, 6, 26)),
        ("purchase", date(2024, 6, 26)),
        ("own_law", date(2024, 6, 26)),
        ("mail", None),
        ("other", None),
    ],
)
def test_the_day_of_the_document_is_day_1(kind, expected):
    assert last_day(kind, RECEIVED) == expected


def test_every_kind_is_counted_or_sent_to_188():
    assert {deal.id for deal in DEALS if last_day(deal.id, RECEIVED) is None} == {"mail", "other"}


def test_a_later_delivery_counts_for_chain_selling_only():
    later = date(2024, 6, 25)
    assert last_day("chain", RECEIVED, later) == date(2024, 7, 14)
    assert last_day("chain", RECEIVED, date(2024, 6, 1)) == date(2024, 7, 8)
    assert last_day("visit", RECEIVED, later) == date(2024, 6, 26)


def test_leap_days_and_years_are_crossed():
    assert last_day("visit", date(2024, 2, 23)) == date(2024, 3, 1)
    assert last_day("visit", date(2023, 2, 23)) == date(2023, 3, 2)
    assert last_day("chain", date(2024, 12, 20)) == date(2025, 1, 8)


def test_the_end_of_the_calendar_is_a_question_for_188():
    assert last_day("visit", date.max) is None


def test_an_unknown_kind_is_wrong_usage():
    with pytest.raises(UsageError, match="must be one of"):
        last_day("gift", RECEIVED)
