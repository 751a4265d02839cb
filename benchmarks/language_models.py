"""One table of language models on the same text: counted, hidden Markov, recurrent, and decoders, each with the same time.

    python benchmarks/language_models.py --minutes 5
    python benchmarks/language_models.py ../shared/data/tinyshakespeare/input.txt.gz --minutes 40 --only llama --out table
    python benchmarks/language_models.py FILE --kind byte-bpe --vocab-size 4096 --minutes 20

Every row is `sayso pretrain` in a process of its own, so that its memory is its own. A network is first tried by `--dry-run`
for its speed, and its schedule ends after as many tokens as the minutes allow; what is counted takes the time it takes. The
last tenth of the text is what is measured on. Prints a table, and one JSON object last; the folder given by --out keeps the
runs, and the same command goes on.
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
}
"""Architectures and their settings; the networks have two to five million weights."""
COUNTED = ("ngram", "hmm")


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(given.out or aside)
        folder.mkdir(parents=True, exist_ok=True)
        split(given.text, folder)
        if not (folder / "tokenizer").is_dir():
            run(["tokenizer", "train", folder / "learnt.txt", "--out", folder / "tokenizer", "--kind", given.kind,
                "--vocab-size", given.vocab_size, "--context", given.context])  # fmt: skip
        found = [row(name, folder, given.minutes) for name in given.only or ROWS]
    print(table(found))
    print(json.dumps({"minutes": given.minutes, "text": str(given.text), "load": os.getloadavg()[0], "rows": found}))


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


def split(text: Path, folder: Path) -> None:
    """Write the first nine tenths and the last, as two files."""
    with gzip.open(text, "rt", encoding="utf-8") if text.suffix == ".gz" else text.open(encoding="utf-8") as file:
        whole = file.read()
    cut = len(whole) * 9 // 10
    (folder / "learnt.txt").write_text(whole[:cut], encoding="utf-8")
    (folder / "held.txt").write_text(whole[cut:], encoding="utf-8")


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
        "bits_per_byte": held["bits_per_byte"], "tokens": report["tokens"], "seconds": report["seconds"],
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
    lines = ["| architecture | weights | nats a token | bits a byte | tokens a second | peak MiB | sample |",
        "|---|---:|---:|---:|---:|---:|---|"]  # fmt: skip
    for item in rows:
        sample = " ".join(item["sample"].split())[:60].replace("|", "\\|")
        lines.append(
            f"| {item['architecture']} | {item['weights']:,} | {item['loss']:.4f} | {item['bits_per_byte']:.4f} "
            f"| {item['tokens_per_second']:,.0f} | {item['peak_mib']:,} | {sample} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
