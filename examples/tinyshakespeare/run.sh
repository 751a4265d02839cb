#!/bin/sh
# Train a model of characters: run.sh TEXT FOLDER; the same command again goes on where it was stopped.
set -eu
text=$1 folder=$2 here=$(dirname "$0")
mkdir -p "$folder"
python - "$text" "$folder" <<'PYTHON'
import gzip, pathlib, sys
path, folder = map(pathlib.Path, sys.argv[1:])
text = (gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")).read()
cut = len(text) * 9 // 10
(folder / "learnt.txt").write_text(text[:cut], encoding="utf-8")
(folder / "held.txt").write_text(text[cut:], encoding="utf-8")
PYTHON
[ -d "$folder/tokenizer" ] ||
  sayso tokenizer train "$folder/learnt.txt" --out "$folder/tokenizer" --kind characters --context 256
sayso pretrain "$folder/learnt.txt" --out "$folder/run" --config "$here/settings.yaml" --tokenizer "$folder/tokenizer" \
  --set "data.validation=[$folder/held.txt]"
