r"""A writer that says what it is told: for tests, examples and for trying a round without a model.

A script is a mapping, or a YAML or JSON file of one, from prompt text (the last turn's words) to a response:

    default: I do not know.            # optional; without it an unknown prompt is an error
    responses:
      What is the capital of France?: Paris.
      Tell me a joke.: [Knock knock., Another one.]      # in turn; after the last the first comes again
    patterns:                          # regular expressions that must match the whole prompt, tried in this order
      'What is (\d+) plus nothing\?': '\1'                # groups of the match may be used

A plain mapping without these three keys is read as `responses`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sayso.errors import NotFoundError, RecordError
from sayso.models.writing.sampling import Sampling
from sayso.records import Prompt

_KEYS = {"default", "responses", "patterns"}


def load(path_or_mapping: str | Path | Mapping[str, Any]) -> Scripted:
    """Return the writer of a script.

    Raises:
        NotFoundError: there is no such file.
        RecordError: the script is not of the form above.
    """
    if isinstance(path_or_mapping, Mapping):
        return _read("script", path_or_mapping)
    path = Path(path_or_mapping)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML too
    except OSError as error:
        raise NotFoundError("no script at {path!r} ({reason})", path=str(path), reason=error.strerror) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecordError(
            "{path}: not YAML or JSON ({reason})", path=str(path), reason=" ".join(str(error).split())
        ) from error
    return _read(str(path), found)


@dataclass(kw_only=True, slots=True)
class Scripted:
    """A `Writer` without a model; `asked` keeps every prompt and sampling it was given."""

    name: str = "scripted"
    responses: Mapping[str, tuple[str, ...]]
    patterns: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()
    default: str | None = None
    asked: list[tuple[Prompt, Sampling]] = field(default_factory=list)
    _turns: Counter[str] = field(default_factory=Counter)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Say what the script says to each prompt; the sampling is recorded and changes nothing.

        Raises:
            NotFoundError: a prompt is not in the script and there is no default.
        """
        self.asked += [(prompt, sampling) for prompt in prompts]
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.text in self.responses:
            return self._next(prompt.text, self.responses[prompt.text])
        for pattern, answers in self.patterns:
            match = pattern.fullmatch(prompt.text)
            if match:
                return match.expand(self._next(pattern.pattern, answers))
        if self.default is None:
            raise NotFoundError(
                "the script {name!r} has no response to {prompt!r}; add it, a pattern that matches it, or a default",
                name=self.name,
                prompt=prompt.text,
            )
        return self.default

    def _next(self, key: str, answers: tuple[str, ...]) -> str:
        turn = self._turns[key]
        self._turns[key] += 1
        return answers[turn % len(answers)]


def _read(name: str, script: Any) -> Scripted:
    if not isinstance(script, Mapping):
        raise RecordError("{name}: found {found!r}, expected a mapping of prompts to responses", name=name, found=script)
    parts = script if _KEYS & set(script) else {"responses": script}
    unknown = sorted(set(parts) - _KEYS, key=str)
    if unknown:
        raise RecordError(
            "{name}: unknown key {key!r}; expected one of {known}",
            name=name,
            key=unknown[0],
            known=", ".join(sorted(_KEYS)),
        )
    default = parts.get("default")
    if not isinstance(default, str | None):
        raise RecordError("{name}: default: found {found!r}, expected text", name=name, found=default)
    patterns = _table(name, "patterns", parts.get("patterns"))
    return Scripted(
        name=name,
        responses=_table(name, "responses", parts.get("responses")),
        patterns=tuple((_compiled(name, pattern), answers) for pattern, answers in patterns.items()),
        default=default,
    )


def _table(name: str, key: str, found: Any) -> dict[str, tuple[str, ...]]:
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise RecordError("{name}: {key}: found {found!r}, expected a mapping", name=name, key=key, found=found)
    return {_word(name, key, prompt): _answers(name, prompt, said) for prompt, said in found.items()}


def _word(name: str, key: str, found: Any) -> str:
    if isinstance(found, str):
        return found
    raise RecordError("{name}: {key}: found {found!r}, expected text; put it in quotes", name=name, key=key, found=found)


def _answers(name: str, prompt: str, said: Any) -> tuple[str, ...]:
    answers = (said,) if isinstance(said, str) else said
    if isinstance(answers, list | tuple) and answers and all(isinstance(answer, str) for answer in answers):
        return tuple(answers)
    raise RecordError(
        "{name}: the response to {prompt!r}: found {found!r}, expected text or a list of texts; put it in quotes",
        name=name,
        prompt=prompt,
        found=said,
    )


def _compiled(name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise RecordError(
            "{name}: pattern {pattern!r} is no regular expression ({reason})",
            name=name,
            pattern=pattern,
            reason=str(error),
        ) from error


if TYPE_CHECKING:
    from sayso.models import Writer

    _: type[Writer] = Scripted
