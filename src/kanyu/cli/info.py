"""``kanyu model``, ``kanyu labels`` and ``kanyu formats``: what there is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kanyu.cli.options import LANG
from kanyu.render.terminal import harmless

__all__ = ["formats", "labels", "model"]


@click.command()
@LANG
def labels(lang: str) -> None:
    """見つける特徴(記事の型)とその意味 / the article's patterns with their meaning."""
    from kanyu.labels import ARTICLE_PATTERNS, HEADLINES, LABELS, SIGNALS

    index = 0 if lang == "ja" else 1
    headings = (("4つの見出し", "Four headline labels"), ("15の特徴", "Fifteen signals"), ("その他", "More"))
    rest = tuple(name for name in LABELS if name not in (*HEADLINES, *SIGNALS))
    for heading, names in zip(headings, (HEADLINES, SIGNALS, rest), strict=True):
        click.echo(f"\n{heading[index]}")
        for name in names:
            label = LABELS[name]
            title, meaning = (label.ja, label.meaning_ja) if lang == "ja" else (label.en, label.meaning_en)
            click.echo(f"  {title} ({name})\n    {meaning}")
            for number in label.article_patterns:
                prefix = "記事の型" if lang == "ja" else "article pattern"
                click.echo(f"    {prefix} {number}: {ARTICLE_PATTERNS[number][index]}")


@click.command()
@LANG
def formats(lang: str) -> None:
    """読めるトーク履歴と、アプリからの取り出し方 / the exports that can be read, and how to get them."""
    from kanyu.importers import FORMATS

    for item in FORMATS:
        title, how = (item.title_ja, item.how_ja) if lang == "ja" else (item.title_en, item.how_en)
        click.echo(f"\n{title} ({item.name})\n  {item.files}\n  {how}")


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path), metavar="[MODEL]")
@click.option("--json", "as_json", is_flag=True, help="JSONで出す / print JSON")
@LANG
def model(path: Path | None, as_json: bool, lang: str) -> None:
    """モデルの説明と検証 / what the model is, its papers, its check sum: verified or not."""
    from kanyu.model import load_model, shipped_model_path

    loaded = load_model(path)  # refuses a file whose check sum does not fit
    facts = {
        "name": loaded.name,
        "version": loaded.version,
        "path": str(path or shipped_model_path()),
        "sha256": loaded.sha256,
        "verified": True,
        "dictionary": loaded.info.get("dictionary"),
        "dictionary_matches": loaded.dictionary_matches,
        "terms": sum(len(block) for block in loaded.vocabulary),
        "labels": list(loaded.labels),
        "experimental": sorted(loaded.experimental),
        "thresholds": loaded.thresholds,
        "trained_on": {key: loaded.info.get(key) for key in ("n_messages", "n_conversation_messages", "data_sha256")},
        "papers": "models/README.md, data/README.md",
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    ja = lang == "ja"
    click.echo(f"{harmless(loaded.name)} {harmless(loaded.version)}  {harmless(str(facts['path']))}")
    click.echo(f"SHA-256 {loaded.sha256}  {'検証済み' if ja else 'verified'}")
    state = (
        ("同じ" if ja else "same")
        if loaded.dictionary_matches
        else ("学習時と違います" if ja else "another than in training")
    )
    click.echo(f"{'辞書' if ja else 'dictionary'} {facts['dictionary']} ({state})")
    click.echo(f"{'語' if ja else 'terms'} {facts['terms']}, {'ラベル' if ja else 'labels'} {len(loaded.labels)}")
    for name, value in loaded.thresholds.items():
        note = ("  (試験的)" if ja else "  (experimental)") if name in loaded.experimental else ""
        click.echo(f"  {name}: {'しきい値' if ja else 'threshold'} {value}{note}")
    click.echo(f"{'説明' if ja else 'papers'}: {facts['papers']}")
