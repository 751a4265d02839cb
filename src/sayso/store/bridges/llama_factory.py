"""LLaMA-Factory's dataset folder: JSON files in its alpaca or sharegpt format, and the `dataset_info.json` that names them.

See https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md. A folder has `sayso_sft`, `sayso_dpo` (a ranking) and
`sayso_kto`; train with `dataset_dir: FOLDER` and `dataset: sayso_dpo`. Other data sets named in the folder stay named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Message, Prompt
from sayso.store.bridges import rows
from sayso.store.bridges.files import make_folder, read_text, write_json
from sayso.store.bridges.results import Lost, Records, Written

_INFO = "dataset_info.json"
_FROM = {"user": "human", "assistant": "gpt", "system": "system"}
_Found = tuple[Prompt, dict[str, Any], str | None]
"""A prompt, what its line says besides, and the answer that ends it."""
Form = Callable[[Prompt], "dict[str, Any] | None"]


def write_alpaca(records: Records, path: Path) -> Written:
    """Write a folder in the alpaca format; a conversation that does not go back and forth has no such form."""
    columns = {"prompt": "instruction", "query": "input", "system": "system", "history": "history"}
    return _write(records, path, _alpaca, {"columns": columns}, said=lambda text: text)


def write_sharegpt(records: Records, path: Path) -> Written:
    """Write a folder in the sharegpt format; a conversation that does not go back and forth has no such form."""
    entry = {"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}}
    return _write(records, path, sharegpt, entry, said=lambda text: {"from": "gpt", "value": text})


def _write(records: Records, path: Path, form: Form, entry: dict[str, Any], *, said: Callable[[str], Any]) -> Written:
    make_folder(path)
    info = _known(path / _INFO)
    better, pairs, marked = rows.better(records), rows.pairs(records), rows.marked(records)
    answered: list[_Found] = [(row.prompt, {}, row.chosen) for row in better.rows]
    ranked: list[_Found] = [
        (row.prompt, {"chosen": said(row.chosen), "rejected": said(row.rejected)}, None) for row in pairs.rows
    ]
    tagged: list[_Found] = [(row.prompt, {"kto_tag": row.good}, row.text) for row in marked.rows]
    files, count, gone = [], 0, 0
    for name, found, more in (
        ("sayso_sft", answered, {}),
        ("sayso_dpo", ranked, {"chosen": "chosen", "rejected": "rejected"}),
        ("sayso_kto", tagged, {"kto_tag": "kto_tag"}),
    ):
        lines = _lines(found, form, said)
        write_json(path / f"{name}.json", lines)
        output = {} if name == "sayso_dpo" or "formatting" in entry else {"response": "output"}
        info[name] = {
            "file_name": f"{name}.json", **({"ranking": True} if name == "sayso_dpo" else {}), **entry,
            "columns": {**entry["columns"], **output, **more},
        }  # fmt: skip
        files.append(path / f"{name}.json")
        count, gone = count + len(lines), gone + len(found) - len(lines)
    write_json(path / _INFO, info)
    odd = Lost(what="prompt", count=gone, reason=_("the format has no such order of turns"))
    return Written(count=count, lost=marked.lost + ((odd,) if gone else ()), files=(*files, path / _INFO))


def _lines(found: Sequence[_Found], form: Form, said: Callable[[str], Any]) -> list[dict[str, Any]]:
    lines = []
    for prompt, more, answer in found:
        line = form(prompt)
        if line is None:
            continue
        if answer is not None and "conversations" in line:
            line["conversations"].append(said(answer))
        elif answer is not None:
            line["output"] = said(answer)
        lines.append({**line, **more})
    return lines


def _alpaca(prompt: Prompt) -> dict[str, Any] | None:
    system, turns = _turns(prompt)
    if turns is None:
        return None
    history = [[turns[place].content, turns[place + 1].content] for place in range(0, len(turns) - 1, 2)]
    return {"instruction": turns[-1].content, "input": "", "system": system, "history": history}


def sharegpt(prompt: Prompt) -> dict[str, Any] | None:
    """Return a prompt as a conversation without its answer; None where user and assistant do not take turns in it."""
    system, turns = _turns(prompt)
    if turns is None:
        return None
    return {"conversations": [{"from": _FROM[turn.role], "value": turn.content} for turn in turns], "system": system}


def _turns(prompt: Prompt) -> tuple[str, Sequence[Message] | None]:
    """Return the system's words, and the turns where user and assistant take turns, the user first and last."""
    has_system = prompt.messages[0].role == "system"
    turns = prompt.messages[1:] if has_system else prompt.messages
    expected = ["user", "assistant"] * len(turns)
    in_turn = len(turns) % 2 == 1 and all(turn.role == role for turn, role in zip(turns, expected, strict=False))
    return prompt.messages[0].content if has_system else "", turns if in_turn else None


def _known(path: Path) -> dict[str, Any]:
    """Return the data sets that a folder names already."""
    if not path.exists():
        return {}
    try:
        found = json.loads(read_text(path))
    except ValueError as error:
        found = error
    if not isinstance(found, dict):
        raise RecordError("{where}: this is not LLaMA-Factory's list of data sets; name another folder", where=str(path))
    return found
