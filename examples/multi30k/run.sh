#!/bin/sh
# Learn to translate English into German from random weights: run.sh RAW FOLDER; the same command again goes on.
set -eu
raw=$1 folder=$2 here=$(dirname "$0")
mkdir -p "$folder"
python - "$raw" "$folder" <<'PYTHON'
import gzip, json, pathlib, sys
raw, folder = map(pathlib.Path, sys.argv[1:])
def lines(name):
    return gzip.decompress((raw / f"{name}.gz").read_bytes()).decode("utf-8").splitlines()
for part, name in (("train", "train"), ("val", "val"), ("test_2016_flickr", "test")):
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for source, target in zip(lines(f"{part}.en"), lines(f"{part}.de"), strict=True):
            turns = [{"role": "user", "content": source.strip()}, {"role": "assistant", "content": target.strip()}]
            file.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
PYTHON
[ -d "$folder/tokenizer" ] ||
  sayso tokenizer train "$folder/train.jsonl" --out "$folder/tokenizer" --vocab-size 8000 --context 128
sayso finetune fresh:bart "$folder/train.jsonl" --out "$folder/run" --config "$here/settings.yaml" \
  --tokenizer "$folder/tokenizer" --set "data.validation=[$folder/val.jsonl]"
python "$here/score.py" "$folder/run/model" "$folder/test.jsonl"
