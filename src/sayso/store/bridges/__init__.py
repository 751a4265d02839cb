"""Bridges to other tools: their files come in as records, and records go out as their files.

One file a format. `read(path)` gives a `Bridged` (records, what was lost, what is wrong), `write(records, path)` a
`Written` (how many rows, what was lost). What the other side has no place for is named and counted, never dropped
silently. `moving` takes a file into a store, or a store out to a file; `guessing` tells a file's format.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sayso.store.bridges.results import Bridged as Bridged
    from sayso.store.bridges.results import Lost as Lost
    from sayso.store.bridges.results import Records as Records
    from sayso.store.bridges.results import Written as Written


class Read(Protocol):
    """Read a file of another tool to its end; its faults are named `file:line: field`."""

    def __call__(self, path: Path, /) -> Bridged: ...  # noqa: D102


class Write(Protocol):
    """Write records as a file, or a folder, of another tool."""

    def __call__(self, records: Records, path: Path, /) -> Written: ...  # noqa: D102


IMPORTERS = {
    "argilla": "sayso.store.bridges.argilla:read",
    "cut": "sayso.store.bridges.cut:read",
    "datasets": "sayso.store.bridges.hub:read",
    "defacto": "sayso.store.bridges.defacto:read",
    "doccano": "sayso.store.bridges.doccano:read",
    "excgec": "sayso.store.bridges.excgec:read",
    "feedbackqa": "sayso.store.bridges.feedbackqa:read",
    "github": "sayso.store.bridges.github:read",
    "ilf-code": "sayso.store.bridges.ilf_code:read",
    "kiln": "sayso.store.bridges.kiln:read",
    "label-studio": "sayso.store.bridges.label_studio:read",
    "langfuse": "sayso.store.bridges.langfuse:read",
    "open-webui": "sayso.store.bridges.open_webui:read",
    "openai": "sayso.store.bridges.openai:read",
    "phoenix": "sayso.store.bridges.phoenix:read",
    "qa-feedback": "sayso.store.bridges.qa_feedback:read",
    "saf": "sayso.store.bridges.saf:read",
    "self-refine": "sayso.store.bridges.self_refine:read",
    "trl": "sayso.store.bridges.trl:read",
}
"""The formats that can be read."""

EXPORTERS = {
    "argilla": "sayso.store.bridges.argilla:write",
    "datasets": "sayso.store.bridges.hub:write",
    "doccano": "sayso.store.bridges.doccano:write",
    "label-studio": "sayso.store.bridges.label_studio:write",
    "llama-factory-alpaca": "sayso.store.bridges.llama_factory:write_alpaca",
    "llama-factory-sharegpt": "sayso.store.bridges.llama_factory:write_sharegpt",
    "ms-swift-dpo": "sayso.store.bridges.ms_swift:write_dpo",
    "ms-swift-kto": "sayso.store.bridges.ms_swift:write_kto",
    "ms-swift-sft": "sayso.store.bridges.ms_swift:write_sft",
    "openai-chat": "sayso.store.bridges.openai:write_chat",
    "openai-preference": "sayso.store.bridges.openai:write_preference",
    "trl-kto": "sayso.store.bridges.trl:write_kto",
    "trl-kto-text": "sayso.store.bridges.trl:write_kto_texts",
    "trl-preference": "sayso.store.bridges.trl:write_preference",
    "trl-preference-text": "sayso.store.bridges.trl:write_preference_texts",
    "trl-privileged": "sayso.store.bridges.trl:write_privileged",
    "trl-prompt": "sayso.store.bridges.trl:write_prompts",
    "trl-sft": "sayso.store.bridges.trl:write_sft",
    "trl-sft-text": "sayso.store.bridges.trl:write_sft_texts",
}
"""The formats that can be written."""

__all__ = ["EXPORTERS", "IMPORTERS", "Read", "Write"]
