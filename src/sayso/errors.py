"""One small tree of errors. Each message says what is wrong, what was expected and what to do next.

    SaysoError                 exit code 1
    ├── SettingsError          exit code 2   a setting, a flag or a configuration file is wrong
    ├── RecordError            exit code 2   an input file or a record in it is wrong
    ├── NotFoundError          exit code 2   a name, a version, a file or a model that is not there
    ├── PreflightError         exit code 2   there is nothing that could be learnt from; said before training starts
    ├── ConflictError          exit code 1   somebody else changed it first; look at the newer one, then say it again
    ├── NotAllowedError        exit code 1   this person may not do it
    ├── StoreError             exit code 1   the database or the disk refused
    ├── ModelError             exit code 1   a model cannot be loaded or run
    ├── NoRoomError            exit code 1   it does not fit into memory
    ├── PeerError              exit code 1   another process of the same training ended
    └── MissingExtraError      exit code 1   an optional dependency is not installed

An error keeps its template and its fields apart, so that the command line can say it in the user's language:
`RecordError("{where}: {field}: found {found!r}, expected a string", where="a.jsonl:3", field="text", found=7)`.
"""

from __future__ import annotations

from typing import Any


class SaysoError(Exception):
    """Something a user can put right; `str(error)` is the English sentence."""

    exit_code = 1

    def __init__(self, template: str, **fields: Any) -> None:
        super().__init__(template)
        self.template = template
        self.fields = fields

    def __str__(self) -> str:
        return self.template.format(**self.fields) if self.fields else self.template

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.template, self.fields)


def _rebuild(kind: type[SaysoError], template: str, fields: dict[str, Any]) -> SaysoError:
    return kind(template, **fields)


class SettingsError(SaysoError, ValueError):
    """A setting, a flag or a configuration file is wrong."""

    exit_code = 2


class RecordError(SaysoError, ValueError):
    """An input file, or a record in it, is wrong; nothing was changed."""

    exit_code = 2


class NotFoundError(SaysoError, LookupError):
    """A name, a version, a file or a model is not there."""

    exit_code = 2


class PreflightError(SaysoError, ValueError):
    """Nothing could be learnt from these rows; raised before training starts, with the rows named."""

    exit_code = 2


class ConflictError(SaysoError, ValueError):
    """Somebody else changed it first; nothing was overwritten, and the fields of the error tell what is there now."""


class NotAllowedError(SaysoError, ValueError):
    """Whoever asks may not do it: it is another person's, or only a lead may."""


class StoreError(SaysoError, OSError):
    """The database or the disk refused; nothing that was acknowledged is lost."""


class ModelError(SaysoError, RuntimeError):
    """A model cannot be loaded or run."""


class NoRoomError(SaysoError, MemoryError):
    """What should go through the model at once does not fit into memory."""


class PeerError(SaysoError, RuntimeError):
    """Another process of the same training ended, so this one cannot go on."""


class BrokenOffError(SaysoError, RuntimeError):
    """A process had to stop in the middle of what all processes of a training do together."""


class MissingExtraError(SaysoError, ImportError):
    """An optional dependency is not installed; the message carries the pip line."""
