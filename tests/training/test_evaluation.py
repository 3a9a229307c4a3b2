"""Figures are what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kanyu.detector import Detector
from kanyu.labels import HEADLINES
from kanyu.training.corpus import load_messages, load_ordinary
from kanyu.training.evaluation import evidence_token_f1, expected_calibration_error, false_alarms, label_figures
from kanyu.training.robustness import INVERTED, LASTING, robustness_report


def test_perfect_scores_give_perfect_figures() -> None:
    truth = np.array([0.0, 1.0] * 50)
    groups = np.array([str(i % 5) for i in range(100)])
    row = label_figures(truth, truth * 0.98 + 0.01, 0.5, groups)
    assert (row["precision"], row["recall"], row["f1"], row["average_precision"]) == (1, 1, 1, 1)
    assert row["ece"] == pytest.approx(0.01)
    assert row["interval"]["f1"] == [1, 1]


def test_scores_by_chance_are_not_good() -> None:
    draws = np.random.default_rng(0)
    truth = (draws.random(2000) < 0.3).astype(float)
    row = label_figures(truth, draws.random(2000), 0.5, np.full(2000, "a"))
    assert row["average_precision"] < 0.4
    assert row["ece"] > 0.1
    low, high = row["interval"]["average_precision"]
    assert low < row["average_precision"] < high


def test_calibration_error_of_overconfidence() -> None:
    truth = np.array([1.0, 0.0] * 500)
    value, low, high = expected_calibration_error(truth, np.full(1000, 0.9))
    assert value == pytest.approx(0.4)
    assert low <= value + 0.05
    assert high >= value - 0.05


def test_false_alarms_count_messages(detector: Detector) -> None:
    chats = [
        [
            {"sender": "a", "text": "入会金38万円、元本保証で月利8%、2人紹介すれば元が取れます"},
            {"sender": "b", "text": "了解です"},
        ]
    ]
    result = false_alarms(detector, chats)
    assert result["messages"] == 2
    assert result["counts"]["risky_product"] == 1
    assert result["per_1000"]["risky_product"] == 500
    assert result["upper_95"]["risky_product"] > 500


def test_evidence_is_compared_by_characters(detector: Detector) -> None:
    text = "入会金38万円、元本保証で月利8%"
    whole = evidence_token_f1(detector, [{"text": text, "spans": [[0, len(text)]]}])
    assert whole["whole_message"] == 1
    assert 0 < whole["token_f1"] <= 1


def test_transforms_change_texts_and_keep_what_they_should(detector: Detector, root: Path) -> None:
    frame = load_messages(root / "data")
    report = robustness_report(detector, frame[frame["split"] == "dev"]).set_index("transform")
    assert set(report.index) >= {*INVERTED, *LASTING, "none", "combined"}
    assert (report.loc[list(INVERTED), "changed"] > 0.05).all()
    assert len(INVERTED) >= 10
    assert len(LASTING) >= 3


def test_false_alarms_on_real_chat_stay_low(detector: Detector, benign: Path) -> None:
    result = false_alarms(detector, load_ordinary([benign / "measure.jsonl"]))
    assert result["messages"] > 20_000
    for name in HEADLINES[1:]:
        assert result["per_1000"][name] <= 1.0
    assert result["per_1000"]["pitch"] <= 8.0


def test_evaluate_prints_json(root: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "kanyu",
        "evaluate",
        "kanyu-ja",
        str(root / "data" / "messages"),
        "--split",
        "dev",
        "--json",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(run.stdout)
    for name in HEADLINES:
        assert set(result["labels"][name]) >= {
            "n",
            "positives",
            "precision",
            "recall",
            "f1",
            "average_precision",
            "interval",
        }
