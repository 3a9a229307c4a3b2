"""The second reading: batches of texts alone, and what becomes of the answers.

::

    python -m kanyu.training.second_reading batches data FOLDER      # texts without labels, mixed over briefs
    python -m kanyu.training.second_reading disputes data FOLDER     # where the readers differ, for a third
    python -m kanyu.training.second_reading settle data FOLDER       # labels as settled; data/annotations/

An answer line is ``NUMBER LETTERS`` with letters of ``pdrn`` (``0`` for none, ``?`` behind them for ambiguous); a
third reader's line is ``NUMBER LETTERS REASON``. Settled labels replace those in ``data/messages``; the first
reading stays in ``data/annotations/second.jsonl``.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kanyu.labels import HEADLINES

__all__ = ["main"]

_BATCH: Final = 420
_LETTERS: Final = dict(zip("pdrn", HEADLINES, strict=True))
_ANSWER: Final = re.compile(r"^(\d+)\s+([pdrn0]+)(\??)(?:\s+(.*))?$")  # 17 pd? 何の話か伏せている


def _rows(data: Path) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: row
        for path in sorted((data / "messages").glob("*.jsonl"))
        for row in map(json.loads, filter(None, path.read_text("utf-8").split("\n")))
    }


def _write_batches(
    rows: Sequence[dict[str, Any]], folder: Path, stem: str, notes: dict[str, str] | None = None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        name = f"{stem}-{start // _BATCH + 1:02}"
        (folder / f"{name}.ids").write_text("\n".join(row["id"] for row in part), "utf-8")
        blocks = [
            f"### {number}" + (f"   [{notes[row['id']]}]" if notes else "") + f"\n{row['text']}"
            for number, row in enumerate(part, 1)
        ]
        (folder / f"{name}.txt").write_text("\n\n".join(blocks) + "\n", "utf-8")


def _answers(folder: Path, stem: str) -> dict[str, tuple[str, bool, str]]:
    answers: dict[str, tuple[str, bool, str]] = {}
    for ids_path in sorted(folder.glob(f"{stem}-*.ids")):
        ids = ids_path.read_text("utf-8").split("\n")
        labels = ids_path.with_suffix(".labels")
        if not labels.exists():
            continue
        for line in labels.read_text("utf-8").split("\n"):
            found = _ANSWER.match(line.strip())
            if found and 1 <= int(found[1]) <= len(ids):
                letters = found[2].replace("0", "")
                if set(letters) - {"p"} and "p" not in letters:
                    letters = "p" + letters
                answers[ids[int(found[1]) - 1]] = (letters, bool(found[3]), found[4] or "")
    return answers


def _letters(row: dict[str, Any]) -> str:
    return "".join(letter for letter, name in _LETTERS.items() if row[name])


def batches(data: Path, folder: Path) -> None:
    """Write texts without labels for every message that no batch holds yet."""
    known = {identity for path in folder.glob("batch-*.ids") for identity in path.read_text("utf-8").split("\n")}
    rows = [row for identity, row in _rows(data).items() if identity not in known]
    random.Random(len(known)).shuffle(rows)
    n_before = len(list(folder.glob("batch-*.ids")))
    for start in range(0, len(rows), _BATCH):
        _write_batches(rows[start : start + _BATCH], folder, f"batch-{n_before + start // _BATCH + 1:02}")
    print(f"{len(rows)} texts")


def disputes(data: Path, folder: Path) -> None:
    """Write the texts on which the first two readers differ, with both answers in an order that tells nothing."""
    rows, second = _rows(data), _answers(folder, "batch")
    settled = _answers(folder, "dispute")
    known = {identity for path in folder.glob("dispute-*.ids") for identity in path.read_text("utf-8").split("\n")}
    draws = random.Random(0)
    open_rows, notes = [], {}
    for identity, (letters, _, _) in second.items():
        first = _letters(rows[identity])
        if first != letters and identity not in known and identity not in settled:
            pair = [first or "0", letters or "0"]
            draws.shuffle(pair)
            open_rows.append(rows[identity])
            notes[identity] = " | ".join(pair)
    n_before = len(list(folder.glob("dispute-*.ids")))
    draws.shuffle(open_rows)
    for start in range(0, len(open_rows), _BATCH):
        _write_batches(open_rows[start : start + _BATCH], folder, f"dispute-{n_before + start // _BATCH + 1:02}", notes)
    print(f"{len(second)} read twice, {len(open_rows)} new disputes")


def settle(data: Path, folder: Path) -> None:
    """Put settled labels into ``data/messages`` and the record into ``data/annotations``."""
    second, third = _answers(folder, "batch"), _answers(folder, "dispute")
    record_path, disputes_path = data / "annotations" / "second.jsonl", data / "annotations" / "disputes.jsonl"
    record_path.parent.mkdir(parents=True, exist_ok=True)
    earlier = {}
    if record_path.exists():
        earlier = {row["id"]: row for row in map(json.loads, filter(None, record_path.read_text("utf-8").split("\n")))}
    records, settled, faults = [], [], 0
    for path in sorted((data / "messages").glob("*.jsonl")):
        lines = []
        for row in map(json.loads, filter(None, path.read_text("utf-8").split("\n"))):
            if row["id"] in second:
                letters, doubt, _ = second[row["id"]]
                first = earlier.get(row["id"], {}).get("first") or {name: row[name] for name in HEADLINES}
                first_letters = "".join(letter for letter, name in _LETTERS.items() if first[name])
                records.append(
                    {
                        "id": row["id"],
                        "first": first,
                        "second": {name: int(letter in letters) for letter, name in _LETTERS.items()},
                    }
                )
                row["ambiguous"] = bool(row["ambiguous"] or doubt)
                if letters != first_letters and row["id"] in third:
                    final, unsure, reason = third[row["id"]]
                    row["ambiguous"] = bool(row["ambiguous"] or unsure)
                    _relabel(row, final)
                    settled.append(
                        {"id": row["id"], "first": first_letters, "second": letters, "settled": final, "reason": reason}
                    )
            faults += _is_inconsistent(row)
            lines.append(json.dumps(row, ensure_ascii=False))
        path.write_text("\n".join(lines) + "\n", "utf-8")
    _drop_equal_pairs(data)
    record_path.write_text("".join(json.dumps(row) + "\n" for row in records), "utf-8")
    disputes_path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in settled), "utf-8")
    print(f"{len(records)} second readings, {len(settled)} settled, {faults} inconsistent rows")


def _relabel(row: dict[str, Any], letters: str) -> None:
    """Give a row its settled headline labels; what cannot stand beside them goes."""
    for letter, name in _LETTERS.items():
        row[name] = int(letter in letters)
    if not row["pitch"]:
        row["signals"] = []
        for name in ("who", "purpose", "product"):
            row[f"discloses_{name}"] = 0
        row["recruit_duty"] = 0
    else:
        row["hard"] = row["reported"] = False
        row["refusal"] = 0


def _drop_equal_pairs(data: Path) -> None:
    """Two messages whose settled labels are the same are no contrast pair any more."""
    for path in sorted((data / "messages").glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        labels: dict[str, set[str]] = {}
        for row in rows:
            if row["pair"]:
                labels.setdefault(row["pair"], set()).add(_letters(row))
        for row in rows:
            if row["pair"] and len(labels[row["pair"]]) < 2:
                row["pair"] = None
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def _is_inconsistent(row: dict[str, Any]) -> bool:
    return any(row[name] for name in HEADLINES[1:]) and not row["pitch"]


def main(arguments: Sequence[str]) -> int:
    """Run ``batches``, ``disputes`` or ``settle``."""
    actions = {"batches": batches, "disputes": disputes, "settle": settle}
    if len(arguments) != 3 or arguments[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    actions[arguments[0]](Path(arguments[1]), Path(arguments[2]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
