"""The model: numbers and text, loaded without scikit-learn and without pickle.

A model file is a safetensors file. Its tensors hold weights, idf and vocabulary; its one metadata
entry ``kanyu`` is JSON with labels, thresholds, calibration, versions and a digest over everything
else. The digest guards against accident, not against an attacker who can write the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanyu.canonical import Canonical, canonicalize
from kanyu.course import CourseModel
from kanyu.errors import ModelError, OutputError
from kanyu.features import BLOCKS, FeatureOptions, TermMaker, windows
from kanyu.index import TermIndex
from kanyu.labels import HEADLINES, MODEL_LABELS
from kanyu.messages import Span
from kanyu.tokenizer import dictionary_version

__all__ = ["Explanation", "Model", "Occurrences", "ScoredText", "load_model", "shipped_model_path"]

FORMAT: Final = 1
_BLOCK: Final = 512  # windows scored at once: the arrays of a block stay in the cache
_CHOICES: Final = 4  # of labels, whose weights are kept side by side
_ONE_ROW: Final = np.zeros(1, dtype=np.int64)  # where the one row of a window's terms begins
_LARGEST: Final = 64 * 2**20  # bytes; the shipped file has at most 10 MB
_TENSORS: Final = {
    "weights": np.float32,
    "intercepts": np.float64,
    "idf": np.float32,
    "vocabulary": np.uint8,
}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Found = dict[Span, tuple[Ints, Ints, Ints, Floats]]  # by window: ids, starts, ends, TF-IDF values


class Occurrences(NamedTuple):
    """Known terms of one window, one entry per occurrence, and what each adds.

    Attributes
    ----------
    starts, ends : ndarray of int64, shape (n,)
        Half-open ranges of canonical characters.
    contributions : ndarray of float64, shape (n,)
        Calibrated log-odds; a term's contribution is spread evenly over its occurrences.
    """

    starts: Ints
    ends: Ints
    contributions: Floats


class Explanation:
    """Why a label has its log-odds, in the window that counts.

    Attributes
    ----------
    log_odds, intercept : float
        Calibrated; ``intercept + sum(occurrences.contributions) = log_odds``.
    window : Span
        The window, in canonical characters.
    """

    __slots__ = ("_find", "intercept", "log_odds", "window")

    def __init__(self, log_odds: float, intercept: float, window: Span, find: Callable[[], Occurrences]) -> None:
        self.log_odds = log_odds
        self.intercept = intercept
        self.window = window
        self._find = find

    @property
    def occurrences(self) -> Occurrences:
        """What each known term adds, with offsets of the whole canonical text; found when asked for."""
        return self._find()


class ScoredText(NamedTuple):
    """One text with the log-odds of some labels.

    Attributes
    ----------
    model : Model
    canonical : Canonical
        The text as it was scored.
    labels : sequence of str
    log_odds : ndarray of float64, shape (n_labels,)
        Calibrated, of each label in the window that counts.
    windows : sequence of Span
        That window of each label.
    n_known : int
        How many different terms the model knows.
    """

    model: Model
    canonical: Canonical
    labels: Sequence[str]
    log_odds: Floats
    windows: Sequence[Span]
    n_known: int

    def explain(self, labels: Sequence[str]) -> dict[str, Explanation]:
        """Why some of the labels have their log-odds."""
        found: _Found = {}
        explanations = {}
        for label in labels:
            place, column = self.labels.index(label), self.model.labels.index(label)
            window = self.windows[place]
            find = partial(self.model._added, self.canonical.text, window, column, found)
            intercept = float(self.model.calibrated_intercepts[column])
            explanations[label] = Explanation(float(self.log_odds[place]), intercept, window, find)
        return explanations


@dataclass(frozen=True)
class Model:
    """A linear model over TF-IDF terms with one calibration line per label.

    Attributes
    ----------
    labels : tuple of str
        The labels it scores, a subset of :data:`kanyu.labels.MODEL_LABELS` in that order.
    vocabulary : tuple of tuple of str
        The terms of each block of :data:`kanyu.features.BLOCKS`.
    idf : ndarray of float32, shape (n_terms,)
    weights : ndarray of float32, shape (n_terms, n_labels)
    intercepts : ndarray of float64, shape (n_labels,)
    slopes, offsets : ndarray of float64, shape (n_labels,)
        Calibrated log-odds = slope * decision value + offset.
    thresholds, undecided_from : dict of str to float
        Probabilities in (0, 1).
    experimental : frozenset of str
        Labels with too few examples to trust.
    course : CourseModel
        How the course of a conversation is judged.
    info : dict
        Name, version, dictionary version, data check sum and other facts.
    sha256 : str
        The digest of the file's content.
    """

    labels: tuple[str, ...]
    vocabulary: tuple[tuple[str, ...], ...]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercepts: Floats
    slopes: Floats
    offsets: Floats
    thresholds: dict[str, float]
    undecided_from: dict[str, float]
    options: FeatureOptions
    experimental: frozenset[str]
    course: CourseModel
    info: dict[str, Any]
    sha256: str = ""

    @property
    def name(self) -> str:
        """The model's name, such as ``kanyu-ja``."""
        return str(self.info.get("name", "unnamed"))

    @property
    def version(self) -> str:
        """The model's version."""
        return str(self.info.get("version", "0"))

    @property
    def dictionary_matches(self) -> bool:
        """Whether the installed dictionary is the one the model was trained with."""
        return bool(self.info.get("dictionary") == dictionary_version())

    @cached_property
    def maker(self) -> TermMaker:
        """The term maker with this model's options."""
        return TermMaker(self.options)

    @cached_property
    def index(self) -> TermIndex:
        """Finds the terms that the model knows."""
        return TermIndex(self.maker, self.vocabulary)

    @cached_property
    def _block_ends(self) -> list[int]:
        return [*accumulate(map(len, self.vocabulary))]

    @cached_property
    def calibrated_intercepts(self) -> Floats:
        """The log-odds of each label in a text without a known term."""
        return self.intercepts * self.slopes + self.offsets

    @cached_property
    def _every_column(self) -> Ints:
        return np.arange(len(self.labels), dtype=np.int64)

    @cached_property
    def _weights_of(self) -> dict[bytes, NDArray[np.float32]]:
        """Weights by columns, those of a few labels side by side."""
        return {}

    def columns(self, labels: Sequence[str]) -> Ints:
        """The weight columns of some labels."""
        if labels is self.labels:
            return self._every_column
        return np.array([self.labels.index(label) for label in labels], dtype=np.int64)

    def log_odds(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> tuple[Floats, Ints]:
        """Score texts.

        Parameters
        ----------
        texts : sequence of str
            Any texts; each is made canonical and cut into windows here.
        labels : sequence of str, optional
            The labels wanted; all by default.

        Returns
        -------
        log_odds : ndarray of float64, shape (n_texts, n_labels)
            Calibrated; of a long text per label the highest window.
        n_known : ndarray of int64, shape (n_texts,)
            How many different terms of the text the model knows.
        """
        columns = self.columns(self.labels if labels is None else labels)
        rows: list[int] = []
        pieces: list[str] = []
        for row, text in enumerate(texts):
            canonical = canonicalize(text).text
            for start, end in windows(canonical):
                rows.append(row)
                pieces.append(canonical[start:end])
        scores, known = self._score_windows(pieces, columns)
        if len(pieces) == len(texts):
            return scores, known
        result = np.full((len(texts), len(columns)), -np.inf)
        np.maximum.at(result, rows, scores)
        total = np.zeros(len(texts), dtype=np.int64)
        np.add.at(total, rows, known)
        return result, total

    def explain(self, text: str, labels: Sequence[str]) -> tuple[Canonical, dict[str, Explanation], int]:
        """Score one text and keep what every term adds.

        Returns
        -------
        canonical : Canonical
            The text as it was scored.
        explanations : dict of str to Explanation
            By label.
        n_known : int
            How many different terms the model knows.
        """
        scored = self.score_one(text, labels)
        return scored.canonical, scored.explain(labels), scored.n_known

    def score_one(self, text: str, labels: Sequence[str] | None = None) -> ScoredText:
        """Score one text; explanations are made of what is asked for only.

        Parameters
        ----------
        text : str
        labels : sequence of str, optional
            The labels wanted; all by default.
        """
        labels = self.labels if labels is None else labels
        canonical = canonicalize(text)
        spans = windows(canonical.text)
        columns = self.columns(labels)
        scores, known = self._score_windows([canonical.text[start:end] for start, end in spans], columns)
        if len(spans) == 1:
            return ScoredText(self, canonical, labels, scores[0], spans * len(labels), int(known[0]))
        best = scores.argmax(axis=0)
        log_odds = scores[best, np.arange(len(best))]
        return ScoredText(self, canonical, labels, log_odds, [spans[place] for place in best], int(known.sum()))

    def _added(self, text: str, window: Span, column: int, found: _Found) -> Occurrences:
        """What the terms of a window add to one label; what is `found` serves all labels."""
        if window not in found:
            found[window] = self._occurrences(text, window)
        ids, starts, ends, values = found[window]
        return Occurrences(starts, ends, values * self.weights[ids, column] * float(self.slopes[column]))

    def _occurrences(self, text: str, window: Span) -> tuple[Ints, Ints, Ints, Floats]:
        """Ids, ranges and TF-IDF values (each spread over the term's occurrences) of a window."""
        ids, starts, ends = self.index.occurrences(text[window.start : window.end])
        unique, inverse, counts = np.unique(ids, return_inverse=True, return_counts=True)
        values = self._values(0, unique, counts)
        return ids, starts + window.start, ends + window.start, (values / counts)[inverse]

    def _score_windows(self, pieces: Sequence[str], columns: Ints) -> tuple[Floats, Ints]:
        """Calibrated log-odds and the number of known terms of each window."""
        decisions = np.zeros((len(pieces), len(columns)))
        known = np.zeros(len(pieces), dtype=np.int64)
        if len(pieces) == 1:
            known[0] = self._decide_one(pieces[0], columns, decisions)
            return self._calibrated(decisions, columns), known
        for start in range(0, len(pieces), _BLOCK):
            stop = min(start + _BLOCK, len(pieces))
            known[start:stop] = self._decide(pieces[start:stop], columns, decisions[start:stop])
        return self._calibrated(decisions, columns), known

    def _calibrated(self, decisions: Floats, columns: Ints) -> Floats:
        if columns is self._every_column:
            return (decisions + self.intercepts) * self.slopes + self.offsets
        return (decisions + self.intercepts[columns]) * self.slopes[columns] + self.offsets[columns]

    def _decide_one(self, piece: str, columns: Ints, decisions: Floats) -> int:
        """What :meth:`_decide` does, for one window: there is nothing to tell apart by rows."""
        counts = Counter(self.index.find_one(piece))
        if not counts:
            return 0
        known = sorted(counts)
        ids = np.array(known)
        values = self._values(0, ids, np.array([counts[id_] for id_ in known]))
        added = self._weights(columns).take(ids, axis=0) * values[:, None]
        np.add.reduceat(added, _ONE_ROW, axis=0, out=decisions)  # as for many, so that the sums are the same
        return len(known)

    def _decide(self, pieces: Sequence[str], columns: Ints, decisions: Floats) -> Ints:
        """Fill in the decision values, less intercepts, of a block of windows; count their known terms."""
        n_terms = max(len(self.idf), 1)
        found = self.index.find(pieces)
        keys = found.rows * n_terms + found.ids
        if not len(keys):
            return np.zeros(len(pieces), dtype=np.int64)
        keys.sort()
        is_first = np.ones(len(keys), dtype=np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
        (first,) = is_first.nonzero()
        rows, ids = np.divmod(keys[first], n_terms)
        known = np.bincount(rows, minlength=len(pieces))
        (filled,) = known.nonzero()
        added = self._weights(columns).take(ids, axis=0) * self._values(rows, ids, _steps(first, len(keys)))[:, None]
        starts = known[filled].cumsum() - known[filled]
        decisions[filled] = np.add.reduceat(added, starts, axis=0)
        return known

    def _weights(self, columns: Ints) -> NDArray[np.float32]:
        if columns is self._every_column:
            return self.weights
        key = columns.tobytes()
        if key not in self._weights_of:
            if len(self._weights_of) > _CHOICES:
                self._weights_of.popitem()
            self._weights_of[key] = np.ascontiguousarray(self.weights[:, columns])
        return self._weights_of[key]

    def _values(self, rows: Ints | int, ids: Ints, counts: Ints) -> Floats:
        """Sublinear TF-IDF, each block of each row scaled to length 1."""
        values = (1.0 + np.log(counts)) * self.idf.take(ids)
        groups = rows * len(BLOCKS) + sum(ids >= end for end in self._block_ends[:-1])
        norms = np.sqrt(np.bincount(groups, weights=values * values))
        scaled: Floats = values / norms.take(groups)
        return scaled

    def save(self, path: Path) -> str:
        """Write the model file; beside first, then renamed.

        Returns
        -------
        str
            The digest that the file carries.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        from safetensors.numpy import save

        tensors: dict[str, NDArray[Any]] = {
            "weights": np.ascontiguousarray(self.weights, dtype=np.float32),
            "intercepts": np.asarray(self.intercepts, dtype=np.float64),
            "idf": np.asarray(self.idf, dtype=np.float32),
            "vocabulary": _pack(self.vocabulary),
        }  # fmt: skip
        facts = {
            "format": FORMAT,
            "labels": list(self.labels),
            "slopes": [float(x) for x in self.slopes],
            "offsets": [float(x) for x in self.offsets],
            "thresholds": self.thresholds,
            "undecided_from": self.undecided_from,
            "options": self.options.to_dict(),
            "experimental": sorted(self.experimental),
            "course": self.course.to_dict(),
            "info": self.info,
        }
        facts["sha256"] = _digest(facts, tensors)
        payload = save(tensors, metadata={"kanyu": json.dumps(facts, ensure_ascii=False, sort_keys=True)})
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            temporary.write_bytes(payload)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise OutputError(
                f"cannot write the model to {path}: {error.strerror}; choose another place with --out"
            ) from error
        return str(facts["sha256"])


def _steps(first: Ints, end: int) -> Ints:
    """How far it is from each place to the next, and from the last to the end."""
    steps = np.empty_like(first)
    np.subtract(first[1:], first[:-1], out=steps[:-1])
    steps[-1] = end - first[-1]
    return steps


def shipped_model_path() -> Path:
    """Where the shipped model ``kanyu-ja`` lies: in the package, or in a source checkout's ``models/``."""
    inside = Path(str(resources.files("kanyu").joinpath("models/kanyu-ja.safetensors")))
    beside = Path(__file__).parents[2] / "models" / "kanyu-ja.safetensors"
    return inside if inside.exists() or not beside.exists() else beside


def load_model(path: str | os.PathLike[str] | None = None) -> Model:
    """Load and verify a model file.

    Parameters
    ----------
    path : path-like, optional
        A file that ``kanyu train`` wrote; the shipped model by default.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        When the file is missing, damaged, too large, or of another format version.
    """
    place = shipped_model_path() if path is None else Path(path)
    try:
        if place.stat().st_size > _LARGEST:
            raise ModelError(
                f"{place} is no kanyu model: larger than {_LARGEST // 2**20} MB; use a file made by kanyu train"
            )
        payload = place.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {place}: {error.strerror}; give a file made by kanyu train") from error
    try:
        return _parse(payload)
    except (ImportError, MemoryError):
        raise
    except ModelError as error:
        raise ModelError(f"{place}: {error}; install kanyu again or train the model anew") from None
    except Exception as error:  # whatever a damaged file makes the parser raise is one fault
        raise ModelError(
            f"{place} is damaged or no kanyu model ({type(error).__name__}); "
            "install kanyu again or train the model anew"
        ) from error


def _parse(payload: bytes) -> Model:
    from safetensors.numpy import load

    if len(payload) < 8:
        raise ModelError("the file is cut short")
    (header_length,) = struct.unpack("<Q", payload[:8])
    if header_length > len(payload) - 8:
        raise ModelError("the file is cut short or no kanyu model")
    header = json.loads(payload[8 : 8 + header_length])
    if set(header) != {*_TENSORS, "__metadata__"} or set(header["__metadata__"]) != {"kanyu"}:
        raise ModelError("the file holds other parts than a kanyu model has")
    facts = json.loads(header["__metadata__"]["kanyu"])
    if facts.get("format") != FORMAT:
        raise ModelError(f"model format {facts.get('format')!r} is not {FORMAT}")
    tensors = load(payload)
    for name, dtype in _TENSORS.items():
        if tensors[name].dtype != dtype:
            raise ModelError(f"{name} has another type than a kanyu model has")
    claimed = facts.pop("sha256")
    if _digest(facts, tensors) != claimed:
        raise ModelError("the check sum does not fit: the file is damaged")
    labels = tuple(facts["labels"])
    blocks = tensors["vocabulary"].tobytes().decode("utf-8", "surrogatepass").split("\n")
    vocabulary = tuple(tuple(map(_unescape, block.split("\t"))) if block else () for block in blocks)
    n_terms = sum(map(len, vocabulary))
    slopes, offsets = np.array(facts["slopes"], dtype=np.float64), np.array(facts["offsets"], dtype=np.float64)
    if (
        tensors["weights"].shape != (n_terms, len(labels))
        or tensors["idf"].shape != (n_terms,)
        or any(len(row) != len(labels) for row in (tensors["intercepts"], slopes, offsets))
        or len(vocabulary) != len(BLOCKS)
        or not set(HEADLINES) <= set(labels) <= set(MODEL_LABELS)
        or not set(labels) <= set(facts["thresholds"])
        or not set(HEADLINES) <= set(facts["undecided_from"])
    ):
        raise ModelError("its parts do not fit each other")
    if not all(
        bool(np.isfinite(array).all())
        for array in (tensors["weights"], tensors["idf"], tensors["intercepts"], slopes, offsets)
    ):
        raise ModelError("it holds numbers that are not finite")
    if not all(
        0 < value < 1 and math.isfinite(value)
        for value in (*facts["thresholds"].values(), *facts["undecided_from"].values())
    ):
        raise ModelError("a threshold is not between 0 and 1")
    return Model(
        labels=labels,
        vocabulary=vocabulary,
        idf=tensors["idf"],
        weights=tensors["weights"],
        intercepts=tensors["intercepts"],
        slopes=slopes,
        offsets=offsets,
        thresholds=facts["thresholds"],
        undecided_from=facts["undecided_from"],
        options=FeatureOptions(**facts["options"]),
        experimental=frozenset(facts["experimental"]),
        course=CourseModel.from_dict(facts["course"]),
        info=facts["info"],
        sha256=claimed,
    )


def _digest(facts: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> str:
    total = hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"))
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _pack(vocabulary: Sequence[Sequence[str]]) -> NDArray[np.uint8]:
    """The vocabulary as UTF-8: a block a line, terms parted by tabs."""
    text = "\n".join("\t".join(map(_escape, block)) for block in vocabulary)
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _escape(term: str) -> str:
    return term.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _unescape(term: str) -> str:
    if "\\" not in term:
        return term
    return term.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")
