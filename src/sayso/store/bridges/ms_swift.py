"""ms-swift's standard dataset format: `messages`, with `rejected_response` for DPO and `label` for KTO.

See https://swift.readthedocs.io/en/latest/Customization/Custom-dataset.html; the files are given to `swift` with
`--dataset FILE`.
"""

from __future__ import annotations

from pathlib import Path

from sayso.store.bridges import rows
from sayso.store.bridges.chat import turns_form
from sayso.store.bridges.results import Records, Written
from sayso.store.lines import write_lines


def write_sft(records: Records, path: Path) -> Written:
    """Write every refinement as the last turn of a chat."""
    chosen = rows.better(records)
    lines = [{"messages": turns_form(row.prompt, row.chosen)} for row in chosen.rows]
    return Written(count=write_lines(path, lines), lost=chosen.lost, files=(path,))


def write_dpo(records: Records, path: Path) -> Written:
    """Write every refinement as the last turn of a chat, and the response it improves on as the rejected one."""
    pairs = rows.pairs(records)
    lines = [{"messages": turns_form(row.prompt, row.chosen), "rejected_response": row.rejected} for row in pairs.rows]
    return Written(count=write_lines(path, lines), lost=pairs.lost, files=(path,))


def write_kto(records: Records, path: Path) -> Written:
    """Write refinements and praised responses with the label true, criticised responses with the label false."""
    marked = rows.marked(records)
    lines = [{"messages": turns_form(row.prompt, row.text), "label": row.good} for row in marked.rows]
    return Written(count=write_lines(path, lines), lost=marked.lost, files=(path,))
