"""Train a model: cross-validate, fit, calibrate, choose thresholds, learn the course."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import Memory
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold

from kanyu.conversations import judge_conversation
from kanyu.course import COURSE_LABELS, STAGES, UNTRAINED, CourseModel
from kanyu.errors import DataError
from kanyu.features import FeatureOptions
from kanyu.labels import HEADLINES, MODEL_LABELS, PATTERNS
from kanyu.messages import Conversation, Message
from kanyu.model import Model
from kanyu.tokenizer import dictionary_version
from kanyu.training.corpus import conversation_messages, data_sha256, is_placeholder
from kanyu.training.course import course_examples, fit_course
from kanyu.training.pipeline import (
    Counts,
    FittedLabels,
    TrainingOptions,
    count_terms,
    cross_validate,
    fit_labels,
)

__all__ = [
    "OperatingPoint",
    "OrdinaryRecord",
    "Trained",
    "choose_sender_thresholds",
    "judge_senders",
    "open_thresholds",
    "to_conversation",
    "train",
    "training_frame",
]

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]

_FEWEST: Final = 30  # positives below which a label is not trained at all
_TRUSTED: Final = 0.5  # out-of-fold average precision below which a signal is experimental


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What the thresholds are chosen for: few false alarms on ordinary chat first, then F1.

    Attributes
    ----------
    pattern_rate, pitch_rate : float
        False alarms per 1,000 ordinary messages that a threshold may give on the chats that are for choosing.
        With 0.2 of their 9,024 messages the upper 95 % bound is about 0.5 per 1,000.
    sender_rate : float
        Flagged senders per 100 ordinary chats.
    undecided_rate : float
        Ordinary messages per 1,000 that may fall into the ``undecided`` band of a label.
    """

    pattern_rate: float = 0.2
    pitch_rate: float = 3.0
    sender_rate: float = 0.3
    undecided_rate: float = 10.0


@dataclass(frozen=True)
class OrdinaryRecord:
    """What the ordinary chats asked of the thresholds, so that a build does not need the chats.

    Attributes
    ----------
    data_sha256 : str
        The training data for which it holds.
    floors, undecided_floors, sender_floors : dict of str to float
        Lowest allowed log-odds by headline label.
    messages, chats : int
        How many were looked at.
    """

    data_sha256: str
    floors: dict[str, float]
    undecided_floors: dict[str, float]
    sender_floors: dict[str, float]
    messages: int
    chats: int

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> OrdinaryRecord:
        """Read a record that :meth:`save` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


@dataclass(frozen=True)
class Trained:
    """A trained model and what it was chosen by.

    Attributes
    ----------
    model : Model
    frame : DataFrame
        The training rows.
    out_of_fold : ndarray of float64, shape (n_rows, n_labels)
        Calibrated out-of-fold log-odds.
    record : OrdinaryRecord or None
        The floors that were used.
    conversations : list of dict
        The training conversations.
    message_scores : list of ndarray
        Out-of-fold log-odds of their messages by :data:`kanyu.course.COURSE_LABELS`.
    """

    model: Model
    frame: pd.DataFrame = field(repr=False)
    out_of_fold: Floats = field(repr=False)
    record: OrdinaryRecord | None
    conversations: list[dict[str, Any]] = field(repr=False)
    message_scores: list[Floats] = field(repr=False)


def train(
    messages: pd.DataFrame,
    conversations: Sequence[dict[str, Any]] = (),
    *,
    options: TrainingOptions | None = None,
    point: OperatingPoint | None = None,
    ordinary: Sequence[Sequence[Mapping[str, Any]]] | None = None,
    record: OrdinaryRecord | None = None,
    name: str = "kanyu-ja",
    version: str = "0",
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a model.

    Parameters
    ----------
    messages : DataFrame
        Labelled rows as :func:`kanyu.training.corpus.load_labelled` gives them; those of the split
        ``test`` are left out.
    conversations : sequence of dict
        Rows of ``data/conversations``; those of the split ``test`` are left out. Without any, senders are judged by
        their highest messages.
    options : TrainingOptions, optional
    point : OperatingPoint, optional
    ordinary : sequence of chats, optional
        Ordinary chats to choose thresholds on.
    record : OrdinaryRecord, optional
        What such chats asked for earlier; used where `ordinary` is absent and the data is the same.
    name, version : str
        Go into the model file.
    memory : joblib.Memory, optional
        Cache of tokenised text.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    Trained

    Raises
    ------
    DataError
        When a headline label has too few examples, or there are fewer than two groups.
    """
    options, point = options or TrainingOptions(), point or OperatingPoint()
    tell = progress or (lambda done, total, what: None)
    talks = [talk for talk in conversations if talk["split"] != "test"]
    frame, is_message = training_frame(messages, talks)
    labels = _trainable(frame[is_message])
    groups = frame["group"].astype(str).to_numpy()
    n_folds = min(5, len(set(groups)))
    if n_folds < 2:
        raise DataError("cannot cross-validate: all rows have the same 'group'; give each writer or source its own")
    digest = data_sha256(frame)
    tell(0, 5, "tokenise")
    counts = count_terms(frame["text"].tolist(), options.features, memory)
    targets = frame[list(labels)].to_numpy(dtype=float)
    weights = np.where(is_message, 1.0, options.conversation_weight)
    tell(1, 5, "cross-validate")
    raw = cross_validate(counts, targets, weights, groups, options, n_folds)
    tell(2, 5, "fit")
    fitted = fit_labels(counts, targets, weights, options, np.arange(len(frame)))
    tell(3, 5, "calibrate")
    slopes, offsets = _calibrate(raw[is_message], targets[is_message])
    out_of_fold = raw * slopes + offsets
    thresholds = {label: _best_threshold(out_of_fold[:, k], targets[:, k], weights) for k, label in enumerate(labels)}
    experimental = {
        label
        for k, label in enumerate(labels)
        if label not in HEADLINES and _average_precision(out_of_fold[:, k], targets[:, k]) < _TRUSTED
    }
    info: dict[str, Any] = {
        "name": name,
        "version": version,
        "dictionary": dictionary_version(),
        "data_sha256": digest,
        "n_messages": int(is_message.sum()),
        "n_conversation_messages": int((~is_message).sum()),
        "training": {
            "C": options.C,
            "min_df": options.min_df,
            "max_terms": options.max_terms,
            "conversation_weight": options.conversation_weight,
        },
        "environment": {name: version_of(name) for name in ("numpy", "scipy", "scikit-learn", "sudachipy")},
        "operating_point": asdict(point),
    }
    draft = _assemble(
        counts, fitted, labels, slopes, offsets, thresholds, experimental, CourseModel({}, {}), info, options.features
    )
    tell(4, 5, "course and thresholds")
    message_scores = _message_scores(talks, frame, out_of_fold, labels)
    course_weights = _fit_courses(talks, message_scores)
    model = _with_thresholds(draft, thresholds, {}, course_weights, choose_sender_thresholds(talks, message_scores))
    if ordinary is not None:
        record = _ask_ordinary(model, ordinary, point, digest)
    if record is not None and record.data_sha256 != digest:
        record = None
    floors = record.floors if record else {}
    model = _with_thresholds(
        model,
        {label: max(value, floors.get(label, -np.inf)) for label, value in thresholds.items()},
        record.undecided_floors if record else {},
        course_weights,
        choose_sender_thresholds(talks, message_scores, record),
    )
    tell(5, 5, "done")
    return Trained(model, frame, out_of_fold, record, talks, message_scores)


def training_frame(
    messages: pd.DataFrame, conversations: Sequence[dict[str, Any]]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """All rows to train on: labelled messages and the messages of conversations, without the split ``test``.

    Returns
    -------
    frame : DataFrame
    is_message : ndarray of bool, shape (n_rows,)
        False for messages of conversations.
    """
    parts = [messages[messages["split"] != "test"]]
    talks = [talk for talk in conversations if talk["split"] != "test"]
    if talks:
        parts.append(conversation_messages(talks))
    frame = pd.concat(parts, ignore_index=True)
    return frame, np.arange(len(frame)) < len(parts[0])


def to_conversation(talk: Mapping[str, Any]) -> Conversation:
    """A row of ``data/conversations`` as importers would give it (without dates)."""
    messages = [Message(m["sender"], m["text"], None, not is_placeholder(m["text"])) for m in talk["messages"]]
    return Conversation(talk["title"], "kanyu", talk["id"], messages, talk["me"])


def _trainable(frame: pd.DataFrame) -> tuple[str, ...]:
    labels = tuple(
        name for name in MODEL_LABELS if (frame[name] == 1).sum() >= _FEWEST and (frame[name] == 0).sum() >= _FEWEST
    )
    missing = [name for name in HEADLINES if name not in labels]
    if missing:
        raise DataError(
            f"too few examples of {missing[0]!r}: a headline label needs at least {_FEWEST} with 1 and {_FEWEST} with 0"
        )
    return labels


def _calibrate(raw: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """One slope and offset per label, fitted on out-of-fold decision values (Platt 1999)."""
    slopes, offsets = [], []
    for column in range(raw.shape[1]):
        known = ~np.isnan(targets[:, column])
        line = LogisticRegression(C=1e4).fit(raw[known, column][:, None], targets[known, column])
        slopes.append(max(float(line.coef_[0, 0]), 1e-3))
        offsets.append(float(line.intercept_[0]))
    return np.array(slopes), np.array(offsets)


def _best_threshold(scores: Floats, targets: Floats, weights: Floats) -> float:
    """The log-odds with the highest F1."""
    known = ~np.isnan(targets)
    order = np.argsort(-scores[known], kind="stable")
    y, w, s = targets[known][order], weights[known][order], scores[known][order]
    hits = np.cumsum(y * w)
    f1 = 2 * hits / (np.cumsum(w) + (y * w).sum())
    best = int(np.argmax(f1))
    return float((s[best] + s[min(best + 1, len(s) - 1)]) / 2)


def _average_precision(scores: Floats, targets: Floats) -> float:
    known = ~np.isnan(targets)
    return float(average_precision_score(targets[known], scores[known]))


def _message_scores(
    talks: Sequence[dict[str, Any]], frame: pd.DataFrame, out_of_fold: Floats, labels: Sequence[str]
) -> list[Floats]:
    """Out-of-fold log-odds of every message of every conversation."""
    columns = [labels.index(name) if name in labels else -1 for name in COURSE_LABELS]
    row_of = {identity: row for row, identity in enumerate(frame["id"])} if talks else {}
    tables = []
    for talk in talks:
        table = np.full((len(talk["messages"]), len(COURSE_LABELS)), np.nan)
        for index in range(len(talk["messages"])):
            row = row_of.get(f"{talk['id']}-{index}")
            if row is not None:
                table[index] = [out_of_fold[row, column] if column >= 0 else UNTRAINED for column in columns]
        tables.append(table)
    return tables


def _fit_courses(talks: Sequence[dict[str, Any]], scores: Sequence[Floats]) -> dict[str, tuple[float, ...]]:
    if not talks:
        return _default_course()
    examples = course_examples(talks, scores)
    return fit_course(examples, np.ones(len(examples.features), bool), np.ones(len(examples.stage_features), bool))


def choose_sender_thresholds(
    talks: Sequence[dict[str, Any]], scores: Sequence[Floats], record: OrdinaryRecord | None = None
) -> dict[str, float]:
    """Thresholds of a sender's headline labels: highest F1 over held-out writers, but not below the record's floors.

    Returns
    -------
    dict of str to float
        Probabilities by headline label; empty without conversations.
    """
    if not talks:
        return {}
    examples = course_examples(talks, scores)
    values: list[list[float]] = []
    truths: list[list[float]] = []
    groups = np.array([talk["writer"] for talk in talks])
    for train_rows, test_rows in GroupKFold(min(5, len(set(groups)))).split(talks, groups=groups):
        inside = list(set(groups[train_rows]))
        part = fit_course(examples, np.isin(examples.groups, inside), np.isin(examples.stage_groups, inside))
        course = CourseModel(part, open_thresholds())
        for row in test_rows:
            for sender, truth in judge_senders(talks[row], scores[row], course):
                values.append([_log_odds(sender.labels[label].probability) for label in HEADLINES])
                truths.append(truth)
    table, truth_table = np.array(values), np.array(truths)
    floors = record.sender_floors if record else {}
    return {
        label: _as_threshold(
            max(_best_threshold(table[:, k], truth_table[:, k], np.ones(len(table))), floors.get(label, -np.inf))
        )
        for k, label in enumerate(HEADLINES)
    }


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(clipped / (1 - clipped)))


def judge_senders(talk: Mapping[str, Any], scores: Floats, course: CourseModel) -> list[tuple[Any, list[float]]]:
    """Judge the senders of a labelled conversation: (report, truth by headline label) of each."""
    report = judge_conversation(
        to_conversation(talk),
        scores,
        [None] * len(talk["messages"]),
        course,
        dict.fromkeys(HEADLINES, 0.5),
        lambda text: ({}, ()),
    )
    result = []
    for sender in report.senders:
        if sender.name == talk["pitcher"]:
            truth = [1.0, *(float(talk[label]) for label in PATTERNS)]
        elif sender.name in talk["allies"]:
            continue
        else:
            truth = [0.0] * 4
        result.append((sender, truth))
    return result


def open_thresholds() -> dict[str, float]:
    """Thresholds of one half for everything that the course model decides."""
    names = (*HEADLINES, *STAGES, *COURSE_LABELS[4:], "message_pitch")
    return dict.fromkeys(names, 0.5)


def _default_course() -> dict[str, tuple[float, ...]]:
    """Without conversations: a sender is what the highest message is; a stage is its own label."""
    n_features, n_stage = 20, 2 * len(COURSE_LABELS) + 1
    weights = {}
    for column, label in enumerate(HEADLINES):
        row = [0.0] * (n_features + 1)
        row[1 + column] = 1.0
        weights[label] = tuple(row)
    for stage, column in (("setup", 1), ("reveal", COURSE_LABELS.index("discloses_product"))):
        row = [0.0] * (n_stage + 1)
        row[1 + column] = 1.0
        weights[stage] = tuple(row)
    return weights


def _ask_ordinary(
    model: Model, chats: Sequence[Sequence[Mapping[str, Any]]], point: OperatingPoint, digest: str
) -> OrdinaryRecord:
    """What ordinary chats ask of the thresholds of a model."""
    from kanyu.detector import Detector

    detector = Detector(model)
    texts = [message["text"] for chat in chats for message in chat if message["text"].strip()]
    scores, _ = detector.log_odds(texts)
    rates = {label: point.pitch_rate if label == "pitch" else point.pattern_rate for label in HEADLINES}
    senders: list[list[float]] = []
    for chat in chats:
        talk = Conversation("", "kanyu", "", [Message(m["sender"], m["text"]) for m in chat])
        report = detector.scan(talk).conversations[0]
        best = np.max([[s.labels[label].probability for label in HEADLINES] for s in report.senders], axis=0)
        senders.append(list(best))
    sender_scores = np.vectorize(_log_odds)(np.array(senders))
    return OrdinaryRecord(
        data_sha256=digest,
        floors={label: _floor(scores[:, k], rates[label] / 1000) for k, label in enumerate(HEADLINES)},
        undecided_floors={
            label: _floor(scores[:, k], point.undecided_rate / 1000) for k, label in enumerate(HEADLINES)
        },
        sender_floors={
            label: _floor(sender_scores[:, k], point.sender_rate / 100) for k, label in enumerate(HEADLINES)
        },
        messages=len(texts),
        chats=len(chats),
    )


def _floor(scores: Floats, rate: float) -> float:
    """The lowest log-odds that at most the share `rate` of the scores reaches, with a little room."""
    ordered = np.sort(scores)[::-1]
    allowed = int(rate * len(ordered))
    return float(np.round(ordered[allowed] + 0.05, 6))


def _with_thresholds(
    model: Model,
    thresholds: Mapping[str, float],
    undecided_floors: Mapping[str, float],
    course_weights: Mapping[str, tuple[float, ...]],
    sender_thresholds: Mapping[str, float],
) -> Model:
    from dataclasses import replace

    limits = {label: _as_threshold(value) for label, value in thresholds.items()}
    undecided = {}
    for label in HEADLINES:
        band = max(thresholds[label] - 2.0, undecided_floors.get(label, -np.inf))
        undecided[label] = min(_as_threshold(band), limits[label])
    course_limits = open_thresholds()
    course_limits["message_pitch"] = limits["pitch"]
    for name in COURSE_LABELS[4:]:
        course_limits[name] = limits.get(name, 0.5)
    for label in HEADLINES:
        course_limits[label] = sender_thresholds.get(label, limits[label])
    return replace(
        model, thresholds=limits, undecided_from=undecided, course=CourseModel(dict(course_weights), course_limits)
    )


def _as_threshold(log_odds: float) -> float:
    return float(np.clip(np.round(1.0 / (1.0 + np.exp(-log_odds)), 6), 1e-6, 1 - 1e-6))


def _assemble(
    counts: Counts,
    fitted: FittedLabels,
    labels: Sequence[str],
    slopes: Floats,
    offsets: Floats,
    thresholds: Mapping[str, float],
    experimental: set[str],
    course: CourseModel,
    info: dict[str, Any],
    features: FeatureOptions,
) -> Model:
    """Put a model together; numbers that depend on the machine are rounded to float32."""
    return Model(
        labels=tuple(labels),
        vocabulary=tuple(tuple(terms[kept]) for terms, kept in zip(counts.vocabulary, fitted.kept, strict=True)),
        idf=np.concatenate(fitted.idf).astype(np.float32),
        weights=fitted.weights.astype(np.float32),
        intercepts=fitted.intercepts.astype(np.float32).astype(np.float64),
        slopes=slopes.astype(np.float32).astype(np.float64),
        offsets=offsets.astype(np.float32).astype(np.float64),
        thresholds=dict.fromkeys(thresholds, 0.5),
        undecided_from=dict.fromkeys(HEADLINES, 0.5),
        options=features,
        experimental=frozenset(experimental),
        course=course,
        info=info,
    )
