"""The command line: parse, call one verb of the workspace, draw what it gave. Nothing is decided here.

One file a command, imported when it is called (`cli.lazy`); `cli.options` is what they share, `cli.console` what is drawn.
"""

from __future__ import annotations

COMMANDS = {
    "demo": ("sayso.cli.demo:command", "Watch a whole round on a small model"),
    "init": ("sayso.cli.init:command", "Make a workspace for a model"),
    "doctor": ("sayso.cli.doctor:command", "Check that this machine and workspace are ready"),
    "data": ("sayso.cli.data:command", "Clean, convert, check and describe text"),
    "tokenizer": ("sayso.cli.tokenizer:command", "Learn a vocabulary from text, or look at one"),
    "pretrain": ("sayso.cli.pretrain:command", "Train a language model from random weights on text"),
    "finetune": ("sayso.cli.finetune:command", "Train a model on conversations"),
    "tasks": ("sayso.cli.tasks:command", "List the tasks, or make a round of one"),
    "recommend": ("sayso.cli.recommend:command", "Say which method fits what was said, and why"),
    "plan": ("sayso.cli.plan:command", "See what a round would learn from and could show"),
    "generate": ("sayso.cli.generate:command", "Let the champion answer the prompts"),
    "review": ("sayso.cli.review:command", "Read what the model wrote and say what is wrong, in a page"),
    "comments": ("sayso.cli.comments:command", "Add, list, import, export or withdraw comments"),
    "critique": ("sayso.cli.critique:command", "Let critics comment on the responses"),
    "refine": ("sayso.cli.refine:command", "Write better responses where a comment is not met"),
    "learn": ("sayso.cli.learn:command", "Train a candidate on the refinements"),
    "compose": ("sayso.cli.compose:command", "Make the adapters of several versions into one"),
    "export": ("sayso.cli.export:command", "Take what a method learns from to another trainer"),
    "evaluate": ("sayso.cli.evaluate:command", "Count what became of every comment"),
    "compare": ("sayso.cli.compare:command", "Train several methods at an equal budget, and see which takes best"),
    "why": ("sayso.cli.why:command", "Say which words made a classifier decide as it did"),
    "gate": ("sayso.cli.gate:command", "Decide again on the latest evaluation"),
    "models": ("sayso.cli.models:command", "List the versions and their aliases"),
    "promote": ("sayso.cli.promote:command", "Make a version the champion"),
    "rollback": ("sayso.cli.rollback:command", "Go back to the champion before this one"),
    "report": ("sayso.cli.report:command", "Write the latest evaluation as one HTML file"),
    "loop": ("sayso.cli.loop:command", "Do a whole round, from prompts to verdict"),
    "bench": ("sayso.cli.bench:command", "Measure whether comments take, by a suite of comments"),
    "schema": ("sayso.cli.schema:command", "Print the JSON Schema of a file's lines"),
}
"""The verbs in the order of the loop: where each lives, and what it does in a few words."""

COMMENTS = {
    "add": ("sayso.cli.comments_add:command", "Say something about the model's answers"),
    "import": ("sayso.cli.comments_import:command", "Take in comments from a JSONL file"),
    "export": ("sayso.cli.comments_export:command", "Write the comments to a JSONL file"),
    "list": ("sayso.cli.comments_list:command", "List the comments"),
    "withdraw": ("sayso.cli.comments_withdraw:command", "Take a comment back; it stays in the record"),
}
"""What `sayso comments` offers."""

BENCH = {
    "takes": ("sayso.cli.bench_takes:command", "Teach the suite's comments by several methods and count"),
    "table": ("sayso.cli.bench_table:command", "Merge results into one table"),
}
"""What `sayso bench` offers."""

DATA = {
    "check": ("sayso.cli.data_check:command", "Say what is wrong in files, line by line"),
    "clean": ("sayso.cli.data_clean:command", "Clean texts, and drop what is not worth learning from"),
    "private": ("sayso.cli.data_private:command", "Find personal data, and mask it"),
    "dedup": ("sayso.cli.data_dedup:command", "Keep once what stands there several times"),
    "decontaminate": ("sayso.cli.data_decontaminate:command", "Take out what evaluation sets hold"),
    "split": ("sayso.cli.data_split:command", "Split into train, validation and test, or check a split"),
    "convert": ("sayso.cli.data_convert:command", "Bring records into another format"),
    "card": ("sayso.cli.data_card:command", "Describe files on one page"),
}
"""What `sayso data` offers."""

TASKS = {
    "list": ("sayso.cli.tasks_list:command", "List the tasks"),
    "round": ("sayso.cli.tasks_round:command", "Make a round of a task's items"),
}
"""What `sayso tasks` offers."""

TOKENIZER = {
    "train": ("sayso.cli.tokenizer_train:command", "Learn a byte-level vocabulary from texts"),
    "show": ("sayso.cli.tokenizer_show:command", "Show the tokens of a text"),
    "compare": ("sayso.cli.tokenizer_compare:command", "Compare tokenizers on the same text"),
}
"""What `sayso tokenizer` offers."""
__all__ = ["COMMANDS", "COMMENTS", "BENCH", "DATA", "TASKS", "TOKENIZER"]
