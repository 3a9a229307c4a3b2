"""Texts to measure on: real ordinary chat where it is at hand, the corpus elsewhere."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "benign" / "measure.jsonl"


def source() -> str:
    """What :func:`different_messages` reads."""
    return "real ordinary chat" if REAL.exists() else "the corpus (data/messages)"


def different_messages(n: int) -> list[str]:
    """So many messages, no two alike."""
    found: dict[str, None] = {}
    for path in [REAL] if REAL.exists() else sorted((ROOT / "data" / "messages").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            texts = [message["text"] for message in record["messages"]] if "messages" in record else [record["text"]]
            found |= dict.fromkeys(text for text in texts if text.strip())
    return [*found][:n]


def endless_messages(n: int, seed: int = 0) -> Iterator[str]:
    """So many messages of the same kind, nearly all different: halves of messages, put together anew."""
    messages = different_messages(20_000)
    draws = random.Random(seed)
    for _ in range(n):
        first, second = draws.choice(messages), draws.choice(messages)
        yield (first[: len(first) // 2 + 1] + second[len(second) // 2 :]).replace("\n", " ")


def long_text(n_characters: int, seed: int = 0) -> str:
    """Messages joined to a text of so many characters."""
    text = ""
    for message in endless_messages(n_characters, seed):
        text += message + "。"
        if len(text) >= n_characters:
            break
    return text[:n_characters]
