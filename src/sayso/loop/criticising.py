"""Critique: critics comment on the champion's responses, and what they say is kept like anybody's comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sayso import registry
from sayso.critics import CRITICS, Critic
from sayso.errors import SettingsError
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace


def critique(workspace: Workspace, settings: Settings, names: Sequence[str]) -> int:
    """Let the named critics, with their settings under `critics:`, comment on every response; return the new comments.

    Raises:
        SettingsError: a critic has no settings and needs some.
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
    try:
        return kind(**given)  # type: ignore[no-any-return]
    except TypeError as error:
        raise SettingsError(
            "critics.{name}: {reason}; say what it needs in sayso.yaml, such as "
            "critics: {{rules: {{checks: [{{name: max_words, args: {{n: 20}}}}]}}}}",
            name=name, reason=str(error),
        ) from error  # fmt: skip
