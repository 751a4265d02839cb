"""SAF, Short Answer Feedback: answers to exam questions, with what a grader said of each (Filighera et al., 2022).

Reads the XML files of https://github.com/SebOchs/SAF, one, a folder or an archive of them, and the rows of the data set's
JSON form (https://huggingface.co/datasets/Short-Answer-Feedback/saf_communication_networks_english). The verdict is how
good the answer was found: correct 1, partially correct 0, incorrect -1.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Response, ask
from sayso.store.bridges import joining
from sayso.store.bridges.chat import kind_by
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_bytes, read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.xmlrows import rows
from sayso.store.rules import wrong

VERDICTS = {"correct": 1.0, "partially correct": 0.0, "incorrect": -1.0}
MAX_MEMBER_BYTES = 100_000_000
_NAMES = {
    "questionText": "question", "response": "provided_answer", "response_feedback": "answer_feedback",
    "verification_feedback": "verification_feedback", "referenceAnswers": "reference_answer", "score": "score",
}  # fmt: skip


def read(path: Path) -> Bridged:
    """Read an XML file, a folder or an archive of them, or a JSON file of rows."""
    if path.is_file() and path.name.removesuffix(".gz").endswith((".json", ".jsonl")):
        return bridged(path.name, read_objects(path), _row)
    found = [bridged(name, rows(raw, row="studentAnswer", shared=("questionText", "referenceAnswers"), names=_NAMES), _row)
             for name, raw in _members(path)]  # fmt: skip
    if not found:
        raise RecordError("{where}: found no XML file in it; expected those of SAF", where=str(path))
    return joining.together(found)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give the XML files of a folder, of a zip or tar archive, or the one file itself; nothing is unpacked onto the disk."""
    if path.is_dir():
        yield from ((file.relative_to(path).as_posix(), read_bytes(file)) for file in sorted(path.rglob("*.xml")))
        return
    raw = read_bytes(path)
    if zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for item in archive.infolist():
                if item.filename.endswith(".xml"):
                    yield item.filename, _bounded(item.filename, item.file_size) or archive.read(item)
    elif path.name.endswith((".tar", ".tar.gz", ".tgz")):
        yield from _of_tar(path, raw)
    else:
        yield path.name, raw


def _of_tar(path: Path, raw: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            for item in archive:
                source = archive.extractfile(item) if item.isfile() and item.name.endswith(".xml") else None
                if source is not None:
                    yield item.name, _bounded(item.name, item.size) or source.read()
    except tarfile.TarError as error:
        raise RecordError("{where}: the archive is damaged ({reason})", where=path.name, reason=str(error)) from error


def _bounded(name: str, size: int) -> bytes:
    if size > MAX_MEMBER_BYTES:
        raise RecordError(
            "{where}: found {size} bytes, expected at most {most}", where=name, size=size, most=MAX_MEMBER_BYTES
        )
    return b""


def _row(fields: Fields) -> Row:
    response = Response(prompt=ask(fields.text("question")), text=fields.words("provided_answer"))
    verdict = fields.words("verification_feedback").strip()
    if verdict and verdict.lower() not in VERDICTS:
        raise wrong("verification_feedback", verdict, _("Correct, Partially correct or Incorrect"))
    polarity = VERDICTS.get(verdict.lower())
    row = Row(responses=[response])
    words = fields.words("answer_feedback")
    if words.strip():
        row.comments.append(Comment(text=words, response=response, polarity=polarity, kind=kind_by(polarity)))
    elif verdict:
        row.lost.append(("verification_feedback", _("a verdict without words is no comment")))
    return row
