"""The façade: check a message, score a table, scan conversations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from kanyu.advice import advice_for
from kanyu.conversations import ConversationReport, judge_conversation
from kanyu.course import COLUMN, COURSE_LABELS, UNTRAINED
from kanyu.errors import UsageError
from kanyu.evidence import find_phrases
from kanyu.labels import DISCLOSURES, HEADLINES, SIGNALS
from kanyu.messages import Conversation
from kanyu.model import Model, ScoredText, load_model
from kanyu.verdict import Evidence, LabelScore, ModelReference, Verdict, VerdictName, decide, join_flags, probability

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Detector", "ScanReport", "load"]

_LETTER: Final = r"[ぁ-ゖァ-ヺー一-鿿々㐀-䶿ｦ-ﾝ𠀀-𯿿]"
_JAPANESE: Final = re.compile(f"{_LETTER}[^{_LETTER[1:-1]}]*{_LETTER}")  # two of them: あ1い
_CHUNK: Final = 2048
_SLICE: Final = 32_768  # messages of a conversation judged at once: what is needed on the way stays small
_DISCLOSED: Final = {name: f"discloses_{name}" for name in DISCLOSURES}
_UNTRAINED: Final = LabelScore(0.0, 1.0, -700.0, -700.0, 0.0)  # of a label that the model lacks
SCORE_COLUMNS: Final = (*HEADLINES, "flags", "verdict")
"""The columns that :meth:`Detector.score` adds."""


def load(path: str | os.PathLike[str] | None = None, *, thresholds: Mapping[str, float] | None = None) -> Detector:
    """Load a detector.

    Parameters
    ----------
    path : path-like, optional
        A model file; the shipped model ``kanyu-ja`` by default.
    thresholds : mapping of str to float, optional
        Thresholds of headline labels that override the model's, each in (0, 1).

    Returns
    -------
    Detector

    Raises
    ------
    ModelError
        When the model file cannot be used.
    UsageError
        When a threshold names no headline label or is out of range.
    """
    return Detector(load_model(path), thresholds=thresholds)


@dataclass(frozen=True)
class ScanReport:
    """Judged conversations.

    Attributes
    ----------
    conversations : tuple of ConversationReport
    errors : tuple of (str, str)
        Sources that could not be read, with the reason.
    """

    conversations: tuple[ConversationReport, ...]
    errors: tuple[tuple[str, str], ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_flagged(self) -> bool:
        """Whether a sender's verdict is ``flagged``."""
        return any(sender.verdict == "flagged" for talk in self.conversations for sender in talk.senders)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the contract."""
        return {
            "conversations": [talk.to_dict() for talk in self.conversations],
            "errors": [{"source": source, "reason": reason} for source, reason in self.errors],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row per message.

        Returns
        -------
        DataFrame
            Columns ``source, conversation, index, at, sender, text`` and those of
            :meth:`Detector.score`. Messages without a text body have empty scores.
        """
        import pandas as pd

        from kanyu.batch import EXPORT_COLUMNS

        return pd.DataFrame(list(self.rows()), columns=[*EXPORT_COLUMNS, *SCORE_COLUMNS])

    def rows(self) -> Iterable[tuple[Any, ...]]:
        """The rows of :meth:`to_frame`, one at a time."""
        for talk in self.conversations:
            for index, message in enumerate(talk.conversation.messages):
                at = message.at.isoformat() if message.at else None
                place = (talk.conversation.source, talk.conversation.title, index, at, message.sender, message.text)
                verdict = talk.verdicts[index]
                if verdict is None:
                    yield (*place, None, None, None, None, "", "undecided")
                else:
                    values = {name: probability(float(talk.scores[index, k])) for k, name in enumerate(HEADLINES)}
                    yield (*place, *values.values(), join_flags(values, self.thresholds), verdict)


class Detector:
    """Judge Japanese messages with one model.

    Parameters
    ----------
    model : Model
    thresholds : mapping of str to float, optional
        Thresholds of headline labels that override the model's.

    Notes
    -----
    Opens no network connection and keeps no text.
    """

    def __init__(self, model: Model, *, thresholds: Mapping[str, float] | None = None) -> None:
        self.model = model
        self.overrides = dict(thresholds or {})
        for name, value in self.overrides.items():
            if name not in HEADLINES:
                raise UsageError(f"The threshold of {name!r} cannot be set: expected one of {', '.join(HEADLINES)}.")
            if not 0.0 < value < 1.0:
                raise UsageError(f"The threshold of {name!r} must be in the range (0.0, 1.0). Got {value!r} instead.")
        self.thresholds: dict[str, float] = {**model.thresholds, **self.overrides}
        self.undecided_from: dict[str, float] = {
            name: min(model.undecided_from[name], self.thresholds[name]) for name in HEADLINES
        }

    @cached_property
    def reference(self) -> ModelReference:
        """Which model judges."""
        return ModelReference(self.model.name, self.model.version, self.model.sha256, self.model.dictionary_matches)

    @cached_property
    def _experimental(self) -> frozenset[str]:
        return self.model.experimental | (set(SIGNALS) - set(self.model.labels))

    def check(self, text: str) -> Verdict:
        """Judge one message.

        Parameters
        ----------
        text : str
            The message as it was received.

        Returns
        -------
        Verdict
            With evidence for every headline label that is flagged or nearly so, and for flagged signals.
        """
        model, thresholds = self.model, self.thresholds
        scored = model.score_one(text)
        log_odds = scored.log_odds.tolist()
        values = dict(zip(model.labels, map(probability, log_odds), strict=True))
        readable = _is_readable(text, scored.n_known)
        verdict = decide(values, thresholds, self.undecided_from, readable)
        shown = [name for name in HEADLINES if values[name] >= self.undecided_from[name]]
        shown += [name for name in self._trained_signals if values[name] >= thresholds[name]]
        evidence = self._evidence(text, scored, shown) if shown and readable else []
        others = dict(zip(model.labels, (scored.log_odds - model.calibrated_intercepts).tolist(), strict=True))
        added = dict.fromkeys(shown, 0.0)
        for piece in evidence:
            added[piece.label] += piece.contribution
        for name, contribution in added.items():
            others[name] -= contribution
        columns = values.values(), self._label_thresholds, log_odds, self._intercepts, others.values()
        scores = dict(zip(model.labels, map(LabelScore, *columns), strict=True))
        flags = [name for name in HEADLINES if values[name] >= thresholds[name]]
        duty = values.get("recruit_duty", 0.0)
        return Verdict(
            text=text,
            verdict=verdict,
            labels={name: scores[name] for name in HEADLINES},
            signals={name: scores.get(name, _UNTRAINED) for name in SIGNALS},
            experimental=self._experimental,
            disclosures={name: values.get(column, 0.0) for name, column in _DISCLOSED.items()},
            refusal=values.get("refusal", 0.0),
            recruit_duty=duty,
            evidence=tuple(evidence),
            advice=advice_for(verdict, flags, duty >= thresholds.get("recruit_duty", 1.0)),
            model=self.reference,
        )

    @cached_property
    def _trained_signals(self) -> list[str]:
        return [name for name in SIGNALS if name in self.model.labels]

    @cached_property
    def _label_thresholds(self) -> list[float]:
        return [self.thresholds.get(name, 1.0) for name in self.model.labels]  # some that are not shown have none

    @cached_property
    def _intercepts(self) -> list[float]:
        intercepts: list[float] = self.model.calibrated_intercepts.tolist()
        return intercepts

    def _evidence(self, text: str, scored: ScoredText, shown: Sequence[str]) -> list[Evidence]:
        found: list[Evidence] = []
        tokens_of: dict[Any, Any] = {}
        canonical = scored.canonical
        for label, explanation in scored.explain(shown).items():
            window = explanation.window
            if window not in tokens_of:
                pieces = self.model.maker.tokenizer.tokenize(canonical.text[window.start : window.end])
                tokens_of[window] = [
                    token._replace(start=token.start + window.start, end=token.end + window.start) for token in pieces
                ]
            for phrase in find_phrases(explanation, canonical.text, tokens_of[window]):
                start, end = canonical.to_original(*phrase.span)
                found.append(Evidence(start, end, text[start:end], label, phrase.contribution))
        return found

    def log_odds(
        self, texts: Sequence[str], labels: Sequence[str] = HEADLINES
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Calibrated log-odds of many texts, in chunks; identical texts are scored once.

        Returns
        -------
        log_odds : ndarray of float64, shape (n_texts, n_labels)
        n_known : ndarray of int64, shape (n_texts,)
        """
        distinct = list(dict.fromkeys(texts))
        scores, known = [], []
        for start in range(0, len(distinct), _CHUNK):
            part, part_known = self.model.log_odds(distinct[start : start + _CHUNK], labels)
            scores.append(part)
            known.append(part_known)
        if not distinct:
            return np.zeros((0, len(labels))), np.zeros(0, dtype=np.int64)
        place = {text: index for index, text in enumerate(distinct)}
        order = np.fromiter((place[text] for text in texts), dtype=np.int64, count=len(texts))
        return np.concatenate(scores)[order], np.concatenate(known)[order]

    def score_texts(
        self, texts: Sequence[str]
    ) -> list[tuple[float | None, float | None, float | None, float | None, str, VerdictName]]:
        """The added columns of :meth:`score` for each text: four probabilities, flags, verdict.

        Empty texts get empty probabilities and ``undecided``.
        """
        filled = [index for index, text in enumerate(texts) if text.strip()]
        scores, known = self.log_odds([texts[index] for index in filled])
        log_odds: list[list[float]] = scores.tolist()
        rows: list[Any] = [(None, None, None, None, "", "undecided")] * len(texts)
        for row, index in enumerate(filled):
            values = dict(zip(HEADLINES, map(probability, log_odds[row]), strict=True))
            verdict = decide(values, self.thresholds, self.undecided_from, _is_readable(texts[index], int(known[row])))
            rows[index] = (*values.values(), join_flags(values, self.thresholds), verdict)
        return rows

    def score(self, frame: pd.DataFrame, column: str = "text") -> pd.DataFrame:
        """Score a table.

        Parameters
        ----------
        frame : DataFrame
            Any table; missing texts count as empty.
        column : str
            The column with the messages.

        Returns
        -------
        DataFrame
            The same rows and index, with the four probabilities, ``flags`` and ``verdict`` added.

        Raises
        ------
        UsageError
            When the column is missing or a column to be added exists already.
        """
        import pandas as pd

        if column not in frame.columns:
            raise UsageError(
                f"The 'column' parameter of score must be one of the columns {list(frame.columns)}."
                f" Got {column!r} instead."
            )
        taken = [name for name in SCORE_COLUMNS if name in frame.columns]
        if taken:
            raise UsageError(f"The table already has a column {taken[0]!r}; rename it first.")
        texts = ["" if value is None or value != value else str(value) for value in frame[column]]
        added = pd.DataFrame(self.score_texts(texts), columns=list(SCORE_COLUMNS), index=frame.index)
        added = added.astype(dict.fromkeys(HEADLINES, "float64"))
        return pd.concat([frame, added], axis=1)

    def scan(self, conversations: Conversation | Iterable[Conversation]) -> ScanReport:
        """Judge conversations.

        Parameters
        ----------
        conversations : Conversation or iterable of Conversation
            As :func:`kanyu.read_export` gives them.

        Returns
        -------
        ScanReport
        """
        talks = [conversations] if isinstance(conversations, Conversation) else list(conversations)
        return ScanReport(tuple(self._scan_one(talk) for talk in talks), thresholds=self.thresholds)

    def _scan_one(self, talk: Conversation) -> ConversationReport:
        messages = talk.messages
        is_body = (message.is_text and bool(message.text.strip()) for message in messages)
        bodies = np.flatnonzero(np.fromiter(is_body, dtype=np.bool_, count=len(messages)))
        present = [label for label in COURSE_LABELS if label in self.model.labels]
        columns = np.array([COLUMN[label] for label in present], dtype=np.int64)
        scores = np.full((len(messages), len(COURSE_LABELS)), np.nan)
        scores[bodies] = UNTRAINED
        verdicts: list[VerdictName | None] = [None] * len(messages)
        for start in range(0, len(bodies), _SLICE):
            rows = bodies[start : start + _SLICE]
            texts = [messages[row].text for row in rows.tolist()]
            found, known = self.log_odds(texts, present)
            scores[np.ix_(rows, columns)] = found
            headlines: list[list[float]] = found[:, : len(HEADLINES)].tolist()
            for row, text, n_known, log_odds in zip(rows.tolist(), texts, known.tolist(), headlines, strict=True):
                values = dict(zip(HEADLINES, map(probability, log_odds), strict=True))
                verdicts[row] = decide(values, self.thresholds, self.undecided_from, _is_readable(text, n_known))
        return judge_conversation(
            talk, scores, verdicts, self.model.course, self.undecided_from, self._explain, self.overrides
        )

    def _explain(self, text: str) -> tuple[dict[str, LabelScore], tuple[Evidence, ...]]:
        verdict = self.check(text)
        return verdict.labels, verdict.evidence


def _is_readable(text: str, n_known: int) -> bool:
    """Whether there are at least two kana or kanji and a term that the model knows."""
    return n_known > 0 and _JAPANESE.search(text, 0, 2000) is not None
