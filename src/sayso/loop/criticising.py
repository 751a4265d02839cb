"""Critique: critics comment on the champion's responses, and what they say is kept like anybody's comments."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sayso import registry
from sayso.critics import CRITICS, Critic
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace

_EXAMPLES = {
    "rules": "critics: {rules: {checks: [{name: max_words, args: {n: 20}}]}}",
    "reference": "critics: {reference: {answers: {p-1: Paris}}}",
}
"""What a person may write into sayso.yaml, by critic."""
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def critique(workspace: Workspace, settings: Settings, names: Sequence[str]) -> int:
    """Let the named critics, with their settings under `critics:`, comment on every response; return the new comments.

    Raises:
        SettingsError: a critic lacks a setting that it needs, or has one that it does not know.
    """
    critics = [_critic(name, settings) for name in names]
    version = workspace.version(settings.model_name_or_path)
    created = workspace.clock()
    found = [
        replace(comment, created=comment.created or created)
        for response in workspace.store.responses(version=version.id)
        for critic in critics
        for comment in critic.comments(response)
    ]
    known = {(item.response.id, item.text, item.author) for item in workspace.store.comments(status=None) if item.response}
    new = [item for item in found if item.response and (item.response.id, item.text, item.author) not in known]
    workspace.store.add_comments(new)
    return len(new)


def _critic(name: str, settings: Settings) -> Critic:
    kind: Any = registry.load(CRITICS, name, kind="critic")
    given = settings.critics.get(name, {})
    parts = inspect.signature(kind).parameters
    free = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parts.values())
    known = {key: item for key, item in parts.items() if item.kind in _NAMED}
    unknown = [] if free else [key for key in given if key not in known]
    if unknown:
        raise SettingsError(
            "critics.{name}: unknown key {key!r}; expected {known}",
            name=name, key=unknown[0], known=", ".join(known) or _("nothing"),
        )  # fmt: skip
    missing = [key for key, item in known.items() if item.default is inspect.Parameter.empty and key not in given]
    if missing:
        raise SettingsError(
            "the critic {name!r} needs the setting critics.{name}.{missing}; say it in sayso.yaml, such as {example}",
            name=name, missing=missing[0], example=_EXAMPLES.get(name, f"critics: {{{name}: {{{missing[0]}: …}}}}"),
        )  # fmt: skip
    return kind(**given)  # type: ignore[no-any-return]
