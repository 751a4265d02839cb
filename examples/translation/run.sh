#!/bin/sh
# Learn to translate English into Chinese from random weights: run.sh PAIRS FOLDER; the same command again goes on.
set -eu
pairs=$1 folder=$2 here=$(dirname "$0")
mkdir -p "$folder"
python - "$pairs" "$folder" <<'PYTHON'
import gzip, json, pathlib, sys, zlib
pairs, folder = map(pathlib.Path, sys.argv[1:])
text = gzip.decompress(pairs.read_bytes()) if pairs.suffix == ".gz" else pairs.read_bytes()
parts = {"train": [], "val": [], "test": []}
for number, line in enumerate(text.decode("utf-8").split("\n"), start=1):
    english, tab, chinese = (cell.strip(" ") for cell in line.partition("\t"))
    if not tab:
        if line:
            print(f"{pairs}:{number}: has no tab between two languages, and is left out: {line}", file=sys.stderr)
        continue
    chinese = chinese.split("\t")[0].strip()
    place = zlib.crc32(english.lower().encode()) % 100  # all translations of a sentence are in one part
    turns = [{"role": "user", "content": english}, {"role": "assistant", "content": chinese}]
    parts["test" if place < 4 else "val" if place < 6 else "train"].append({"messages": turns})
for name, lines in parts.items():
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
PYTHON
[ -d "$folder/tokenizer" ] ||
  sayso tokenizer train "$folder/train.jsonl" --out "$folder/tokenizer" --vocab-size 8000 --context 128
sayso finetune fresh:bart "$folder/train.jsonl" --out "$folder/run" --config "$here/settings.yaml" \
  --tokenizer "$folder/tokenizer" --set "data.validation=[$folder/val.jsonl]"
python "$here/../multi30k/score.py" "$folder/run/model" "$folder/test.jsonl" zh
