"""How fast near duplicates are removed, in how much memory, and which are found: `sayso data dedup` beside datatrove.

    python -m venv yardstick    # a place of its own for the yardstick: it needs an older xxhash
    yardstick/bin/pip install datatrove 'xxhash<4' spacy regex orjson nltk tokenizers
    python benchmarks/deduplication.py --megabytes 1000 --datatrove-python yardstick/bin/python
    python benchmarks/deduplication.py --megabytes 50 --only sayso --json result.json
    python benchmarks/deduplication.py my.jsonl more.jsonl

Without FILES, a text of the size that is asked for is made of the sentences of ../shared/data: documents of a few
sentences each, one in ten of them an earlier one again, with none to many of its words changed. How similar the two are
is measured by their shingles of five words and written down, so that both programs can be told what they missed
(recall: of the pairs with a similarity of 0.8 or more, those of which one was dropped) and what they should not have
dropped (precision: of what was dropped, what is in a pair with a similarity of 0.7 or more). Both run with as many
processes, on the same files, one after the other; datatrove's pipeline is its four MinHash stages as its documentation
has them, with its defaults (14 bands of 8 hashes, shingles of five words).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, sleep

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
SOURCES = ("tinystories_val_part", "grimm_tales", "tinyshakespeare", "wikitext2_valid_test", "dialogsum")
FILES, COPIES, EXACT = 8, 0.1, 0.3
WORD = re.compile(r"\w+")
DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

data, out, work, workers, tasks = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
if __name__ == "__main__":
    config = MinhashConfig()
    def run(steps, name, tasks):
        LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=workers, logging_dir=f"{work}/logs/{name}").run()
    run([JsonlReader(data), MinhashDedupSignature(output_folder=f"{work}/signatures", config=config)], "1", tasks)
    run([MinhashDedupBuckets(input_folder=f"{work}/signatures", output_folder=f"{work}/buckets", config=config)], "2",
        config.num_buckets)
    run([MinhashDedupCluster(input_folder=f"{work}/buckets", output_folder=f"{work}/remove", config=config)], "3", 1)
    run([JsonlReader(data), MinhashDedupFilter(input_folder=f"{work}/remove"), JsonlWriter(out, compression=None)],
        "4", tasks)
"""


def sentences() -> list[str]:
    """Return the sentences of the shared texts."""
    found: dict[str, None] = {}
    for name in SOURCES:
        for path in sorted((SHARED / name).rglob("*")):
            if path.is_file() and path.name.endswith((".txt", ".txt.gz", ".jsonl", ".jsonl.gz", ".csv", ".tokens")):
                raw = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
                text = raw.decode("utf-8", "replace")
                parts = re.split(r"(?<=[.!?])\s+|\n", text)
                found |= dict.fromkeys(one.strip() for one in parts if 30 <= len(one) <= 400)
    return list(found)


def similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts' shingles of five words, worked out the plain way."""
    sets = []
    for text in (one, other):
        words = WORD.findall(text.lower())
        sets.append({tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def changed(text: str, rng: random.Random, pool: list[str]) -> str:
    """Return a text with some of its words changed: mostly few, so that most copies are near."""
    words = text.split()
    for _ in range(int(rng.expovariate(1) * len(words) * 0.03) + 1):
        words[rng.randrange(len(words))] = rng.choice(pool)
    return " ".join(words)


def documents(megabytes: float, seed: int) -> Iterator[tuple[str, int | None]]:
    """Yield texts, and for a copy the number of the one it was made of."""
    rng = random.Random(seed)
    pool = sentences()
    words = sorted({word for sentence in pool for word in sentence.split()})
    recent: list[tuple[int, str]] = []
    size = number = 0
    while size < megabytes * 1e6:
        of = None
        if recent and rng.random() < COPIES:
            of, text = rng.choice(recent)
            text = text if rng.random() < EXACT else changed(text, rng, words)
        else:
            text = " ".join(rng.choice(pool) for _ in range(max(2, int(rng.lognormvariate(2.3, 0.7)))))
            if len(recent) < 20_000:
                recent.append((number, text))
            else:
                recent[rng.randrange(len(recent))] = (number, text)
        yield text, of
        size += len(text.encode())
        number += 1


def make(folder: Path, megabytes: float, seed: int) -> None:
    """Write the texts into files, and beside them which is a copy of which."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    outs = [(folder / "data" / f"{number}.jsonl").open("w", encoding="utf-8") for number in range(FILES)]
    kept: dict[int, str] = {}
    with (folder / "planted.jsonl").open("w", encoding="utf-8") as planted:
        for number, (text, of) in enumerate(documents(megabytes, seed)):
            # a file's documents lie together, as they would in a crawl
            outs[number % FILES].write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
            kept[number] = text
            if of is not None:
                planted.write(json.dumps({"id": number, "of": of, "similarity": similarity(kept[of], text)}) + "\n")
            kept.pop(number - 400_000, None)
    for out in outs:
        out.close()


def tree(pid: int, cpu: dict[int, float]) -> int:
    """Return the resident memory of a process and of all below it; note the seconds of CPU of each."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    cpu[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") + sum(tree(int(child), cpu) for child in below)


def measured(command: list[str], log: Path) -> dict[str, float]:
    """Run a command; return seconds, seconds of CPU, and the most memory: of one process, and of all at once."""
    most = 0
    cpu: dict[int, float] = {}
    done = threading.Event()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    started = perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)

        def sample() -> None:
            nonlocal most
            while not done.is_set():
                most = max(most, tree(process.pid, cpu))
                sleep(0.05)

        watching = threading.Thread(target=sample)
        watching.start()
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - started
        done.set()
        watching.join()
    if process.returncode:
        sys.exit(f"{' '.join(command[:4])} … failed:\n{log.read_text()[-3000:]}")
    return {"seconds": seconds, "cpu_seconds": sum(cpu.values()), "largest_process_mb": used.ru_maxrss / 1024,
        "all_processes_mb": most / 2**20}  # fmt: skip


def judged(out: Path, folder: Path, documents: int) -> dict[str, float]:
    """Return recall and precision of what was dropped."""
    planted = [json.loads(line) for line in (folder / "planted.jsonl").open(encoding="utf-8")]
    kept = {int(json.loads(line)["id"]) for path in sorted(out.rglob("*.jsonl")) for line in path.open(encoding="utf-8")}
    near = [pair for pair in planted if pair["similarity"] >= 0.8]
    rightly = {pair[side] for pair in planted if pair["similarity"] >= 0.7 for side in ("id", "of")}
    dropped = set(range(documents)) - kept
    return {
        "dropped": len(dropped), "recall": sum(not {pair["id"], pair["of"]} <= kept for pair in near) / max(len(near), 1),
        "precision": len(dropped & rightly) / max(len(dropped), 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("sayso", "datatrove"))
    parser.add_argument("--folder", type=Path, default=Path("build/deduplication"))
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--datatrove-python", default=sys.executable, help="a Python that has datatrove, where this one has not"
    )
    given = parser.parse_args()
    folder = given.folder
    if given.files:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        for number, path in enumerate(given.files):
            (folder / "data" / f"{number:04}-{path.name}").symlink_to(path.resolve())
    else:
        make(folder, given.megabytes, given.seed)
    data = folder / "data"
    size = sum(path.stat().st_size for path in data.iterdir())
    documents = 0 if given.files else sum(1 for path in data.iterdir() for _line in path.open("rb"))
    for name in ("sayso", ".sayso.working", "datatrove", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
    script = folder / "yardstick.py"
    script.write_text(DATATROVE, encoding="utf-8")
    commands = {
        "sayso": [sys.executable, "-m", "sayso", "data", "dedup", str(data), "--out", str(folder / "sayso"), "--to", "jsonl",
            "--workers", str(given.workers)],
        "datatrove": [given.datatrove_python, str(script), str(data), str(folder / "datatrove"), str(folder / "work"),
            str(given.workers), str(len(list(data.iterdir())))],
    }  # fmt: skip
    results = {}
    print(f"{size / 1e6:.0f} MB in {len(list(data.iterdir()))} files, {documents:,} documents, {given.workers} processes")
    print(f"{'':10} {'seconds':>8} {'MB/s':>7} {'CPU s':>8} {'largest MB':>10} {'all MB':>8} {'dropped':>9} "
        f"{'recall':>7} {'precision':>9}")  # fmt: skip
    for name, command in commands.items():
        if given.only in (None, name):
            found = measured(command, folder / f"{name}.log")
            found["mb_per_second"] = size / 1e6 / found["seconds"]
            found |= judged(folder / name, folder, documents) if documents else {}
            results[name] = found
            print(f"{name:10} {found['seconds']:8.1f} {found['mb_per_second']:7.1f} {found['cpu_seconds']:8.1f} "
                f"{found['largest_process_mb']:10.0f} {found['all_processes_mb']:8.0f} {found.get('dropped', 0):9,.0f} "
                f"{found.get('recall', float('nan')):7.4f} {found.get('precision', float('nan')):9.4f}",
                flush=True)  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps({"bytes": size, "workers": given.workers, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
