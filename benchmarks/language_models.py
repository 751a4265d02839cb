"""One table of language models on the same text: counted, hidden Markov, recurrent, decoders, BERT, BART.

    python benchmarks/language_models.py --minutes 5
    python benchmarks/language_models.py ../shared/data/tinyshakespeare/input.txt.gz --minutes 40 --only llama --out table
    python benchmarks/language_models.py FILE --kind byte-bpe --vocab-size 4096 --minutes 20

Every row is `sayso pretrain` in a process of its own, so that its memory is its own. A network is first tried by `--dry-run`
for its speed, and its schedule ends after as many tokens as the minutes allow; what is counted takes the time it takes. The
last tenth of the text is what is measured on. Prints a table, and one JSON object last; the folder given by --out keeps the
runs, and the same command goes on.

Comparable are the bits a byte of those that foretell the next token: all of them are asked for the same tokens, which is
checked, and the bits are divided by the same bytes. BERT foretells the words that were masked from both sides, BART the
stretches that were taken out; their bits are of those alone, and another thing. A text whose last tenth has characters that
the first nine do not have is refused with a vocabulary of characters, since an unknown character would cost the same
whichever it is. How much of the last tenth stands in the rest word for word is said below the table: the more, the better
anything looks that learns by heart.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SAYSO = [sys.executable, "-c", "from sayso.cli.main import main; main()"]
MUON = ("train.optim=muon", "train.learning_rate=0.004", "train.weight_decay=0.1")
DECODER = ("model.hidden_size=256", "model.num_hidden_layers=4", "model.num_attention_heads=4", *MUON)
RECURRENT = ("model.hidden_size=512", "model.num_hidden_layers=2", *MUON)
ROWS = {
    "ngram": ("model.order=6",),
    "hmm": (),
    "lstm": RECURRENT,
    "gru": RECURRENT,
    "gpt2": ("model.n_embd=256", "model.n_layer=4", "model.n_head=4", *MUON),
    "llama": (*DECODER, "model.intermediate_size=688"),
    "bert": (*DECODER, "model.intermediate_size=688"),
    "bart": ("model.d_model=256", "model.encoder_layers=2", "model.decoder_layers=2", "model.encoder_attention_heads=4",
        "model.decoder_attention_heads=4", "model.encoder_ffn_dim=688", "model.decoder_ffn_dim=688", *MUON),
}  # fmt: skip
"""Architectures and their settings; the networks have two to five million weights."""
COUNTED = ("ngram", "hmm")
FORETELLS = {"bert": "masked words", "bart": "what was taken out"}
"""What a model is asked for, where it is not the next token."""
STRETCH = 40
"""Characters of a stretch that may stand in both parts of the text."""


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(given.out or aside)
        folder.mkdir(parents=True, exist_ok=True)
        learnt, held = split(given.text, folder)
        if given.kind == "characters":
            expect_known(learnt, held)
        if not (folder / "tokenizer").is_dir():
            run(["tokenizer", "train", folder / "learnt.txt", "--out", folder / "tokenizer", "--kind", given.kind,
                "--vocab-size", given.vocab_size, "--context", given.context])  # fmt: skip
        found = [row(name, folder, given.minutes) for name in given.only or ROWS]
    expect_same_tokens(found)
    print(table(found))
    share = repeated(learnt, held)
    print(f"{share:.1%} of the stretches of {STRETCH} characters measured on stand in what was learnt.")
    print(json.dumps({"minutes": given.minutes, "text": str(given.text), "load": os.getloadavg()[0], "repeated": share,
        "rows": found}))  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = Path("../shared/data/tinyshakespeare/input.txt.gz")
    parser.add_argument("text", nargs="?", type=Path, default=usual, help="a .txt or .txt.gz file")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training, for each network")
    parser.add_argument("--only", nargs="+", choices=list(ROWS))
    parser.add_argument("--kind", default="characters", help="of the tokenizer")
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--out", help="keep the runs in this folder")
    return parser.parse_args()


def split(text: Path, folder: Path) -> tuple[str, str]:
    """Write the first nine tenths and the last, as two files, and return them."""
    with gzip.open(text, "rt", encoding="utf-8") if text.suffix == ".gz" else text.open(encoding="utf-8") as file:
        whole = file.read()
    cut = len(whole) * 9 // 10
    parts = whole[:cut], whole[cut:]
    for name, part in zip(("learnt.txt", "held.txt"), parts, strict=True):
        (folder / name).write_text(part, encoding="utf-8", newline="")
    return parts


def expect_known(learnt: str, held: str) -> None:
    """End with a sentence when a vocabulary of what is learnt could not write what is measured on."""
    unknown = sorted(set(held) - set(learnt))
    if unknown:
        sys.exit(
            f"{len(unknown)} characters of the last tenth do not stand before it ({''.join(unknown)[:20]!r}), and would all "
            "count as one; use --kind byte-bpe, or another text"
        )


def repeated(learnt: str, held: str) -> float:
    """Return the share of stretches of characters of `held` that stand in `learnt`."""
    known = {learnt[place : place + STRETCH] for place in range(len(learnt) - STRETCH + 1)}
    asked = [held[place : place + STRETCH] for place in range(len(held) - STRETCH + 1)]
    return sum(one in known for one in asked) / len(asked) if asked else 0.0


def expect_same_tokens(rows: list[dict]) -> None:
    """End with a sentence when models that foretell the next token were not asked for the same ones."""
    counts = {item["architecture"]: item["held_tokens"] for item in rows if item["architecture"] not in FORETELLS}
    if len(set(counts.values())) > 1:
        sys.exit(f"they were measured on different tokens, and cannot be compared: {counts}")


def row(name: str, folder: Path, minutes: float) -> dict[str, object]:
    """Train one architecture and return its row."""
    sets = [*ROWS[name], f"data.validation=[{folder / 'held.txt'}]", "data.validation_tokens=0", "data.eval_steps=0"]
    words = ["pretrain", folder / "learnt.txt", "--out", folder / name, "--architecture", name,
        "--tokenizer", folder / "tokenizer", *(word for item in sets for word in ("--set", item))]  # fmt: skip
    kept = folder / f"{name}.tokens"
    if name not in COUNTED:
        if not kept.exists():  # the budget is fixed once, so that the same command goes on
            foreseen, _memory = run([*words, "--dry-run"])
            kept.write_text(str(max(10_000, round(minutes * 60 * foreseen["tokens_seen"] / foreseen["seconds"]))))
        words += ["--tokens", kept.read_text()]
    report, memory = run(words)
    held = report["validation"]
    return {
        "architecture": name, "weights": report["parameters"], "loss": held["loss"],
        "bits_per_byte": held["bits_per_byte"], "held_tokens": held["tokens"],
        "foretells": FORETELLS.get(name, "the next token"), "tokens": report["tokens"], "seconds": report["seconds"],
        "tokens_per_second": report["tokens"] / report["seconds"] if report["seconds"] else 0.0, "peak_mib": memory,
        "sample": report["samples"][0]["written"] if report["samples"] else "",
    }  # fmt: skip


def run(words: list[object]) -> tuple[dict, int]:
    """Run a command of ours; return what it printed, and the most memory it held (MiB)."""
    command = [*SAYSO, *map(str, words), "--json"]
    with tempfile.TemporaryFile("w+") as out, subprocess.Popen(command, stdout=out) as started:
        _pid, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            sys.exit(f"{' '.join(command[3:])} failed with {started.returncode}")
        out.seek(0)
        return json.loads(out.read().splitlines()[-1]), most_memory(used)


def most_memory(used: resource.struct_rusage) -> int:
    return used.ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def table(rows: list[dict]) -> str:
    lines = ["| architecture | foretells | weights | nats a token | bits a byte | tokens a second | peak MiB | sample |",
        "|---|---|---:|---:|---:|---:|---:|---|"]  # fmt: skip
    for item in rows:
        sample = " ".join(item["sample"].split())[:60].replace("|", "\\|")
        lines.append(
            f"| {item['architecture']} | {item['foretells']} | {item['weights']:,} | {item['loss']:.4f} "
            f"| {item['bits_per_byte']:.4f} "
            f"| {item['tokens_per_second']:,.0f} | {item['peak_mib']:,} | {sample} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
