"""Data sets by their Hugging Face name, row after row, without being held whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sayso.errors import NotFoundError, SaysoError
from sayso.text.files import opening


def rows(name: str, configuration: str | None, split: str, *, skip: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split.

    Raises:
        NotFoundError: there is no such file or folder, and no data set of this name can be reached.
        MissingExtraError: `datasets` is not installed.
    """
    library = opening.extra(
        "datasets", "the data set {name!r} needs the package datasets: pip install 'sayso[data]'", name=name
    )
    try:
        found = library.load_dataset(name.removeprefix("hf:"), configuration, split=split, streaming=True)
        yield from (found.skip(skip) if skip else found)
    except SaysoError:
        raise
    except Exception as error:  # the library and what is below it raise anything
        raise NotFoundError(
            "{name!r}: there is no such file or folder, and no data set of this name could be read from Hugging Face, "
            "configuration {configuration!r}, split {split!r} ({reason}); check the name, reading.split, "
            "reading.configuration, and the network",
            name=name, configuration=configuration, split=split, reason=" ".join(str(error).split())[:300],
        ) from error  # fmt: skip
