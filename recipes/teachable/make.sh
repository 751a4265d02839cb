#!/bin/sh
# The teachable model from nothing: text, vocabulary, pretraining on plain texts, fine-tuning on episodes. Started again it goes
# on where it stopped. The budget is one setting: EPISODES (about 92 tokens each). `install.py` puts the result into the package.
#
#     RUN=runs/teachable EPISODES=420000 recipes/teachable/make.sh
set -eu
cd "$(dirname "$0")/../.."
RUN=${RUN:-runs/teachable}
EPISODES=${EPISODES:-420000}
TEXTS=${TEXTS:-12000}
TOKENS=${TOKENS:-$((EPISODES * 91))}  # where the schedule ends; an episode has about 92
SEED=${SEED:-0}
BF16=${BF16:-true}  # false where the processor has no bfloat16
PYTHON=${PYTHON:-.venv/bin/python}
SAYSO=${SAYSO:-.venv/bin/sayso}
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

stream() {
    [ -e "$RUN/$1" ] || "$PYTHON" recipes/teachable/stream.py --out "$RUN/$@"
}

stream texts.jsonl --texts --episodes "$TEXTS" --seed "$((SEED + 1000))"
stream sample.jsonl --episodes "$((EPISODES < 20000 ? EPISODES : 20000))" --seed "$SEED"
stream episodes.jsonl --episodes "$EPISODES" --seed "$SEED"

[ -e "$RUN/tokenizer/tokenizer.json" ] ||
    "$SAYSO" tokenizer train "$RUN/sample.jsonl" --out "$RUN/tokenizer" --vocab-size 2048 --context 256

"$SAYSO" pretrain "$RUN/texts.jsonl" --out "$RUN/pretrain" --architecture llama --tokenizer "$RUN/tokenizer" --seed "$SEED" \
    --set model.hidden_size=192 --set model.num_hidden_layers=6 --set model.num_attention_heads=6 \
    --set model.num_key_value_heads=6 --set model.head_dim=32 --set model.intermediate_size=512 \
    --set model.max_position_embeddings=256 --set model.tie_word_embeddings=true \
    --set train.optim=muon --set train.bf16="$BF16" --set train.learning_rate=0.004

"$PYTHON" recipes/teachable/learn.py "$RUN/episodes.jsonl" --model "$RUN/pretrain/model" --out "$RUN/finetune" --seed "$SEED" \
    --set train.use_lora=false --set train.optim=muon --set train.bf16="$BF16" --set train.learning_rate=0.004 \
    --set train.num_train_epochs=1 --set train.train_sampling_strategy=sequential --set train.per_device_train_batch_size=48 \
    --tokens "$TOKENS" --set train.max_tokens=4096 --set train.warmup_ratio=0.01 --set train.save_steps=200
