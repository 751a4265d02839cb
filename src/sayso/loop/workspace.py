"""The workspace: a user's folder, and the verbs that can be done in it from Python."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sayso import config
from sayso.errors import ModelError, NotFoundError, SettingsError, StoreError
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings, seeded
from sayso.records import Comment, Evaluation, Prompt, Version

if TYPE_CHECKING:
    from sayso.loop import Watcher
    from sayso.loop.deciding import Promotion
    from sayso.loop.improving import Refined
    from sayso.loop.learning import Learnt
    from sayso.loop.planning import Plan
    from sayso.loop.recommending import Advice
    from sayso.loop.rounds import Round
    from sayso.models import Writer
    from sayso.models.local import LocalModel
    from sayso.store.database import Store

CHAMPION = "champion"
CANDIDATE = "candidate"
SETTINGS = "sayso.yaml"
DATABASE = "sayso.db"
STORE = "SAYSO_STORE"
"""In the environment: where the records are kept, over what sayso.yaml says; it may hold a password."""
_PATH = re.compile(r"[~/]|\.{1,2}(/|$)|[^/]+/[^/]*/")
"""How a folder's name begins that cannot be a Hugging Face id (`name` or `org/name`)."""
_OURS = re.compile(r"champion|candidate|base\d*|v\d+")
"""Names that a workspace gives to its versions."""


def now() -> str:
    """Return the time in ISO 8601, UTC: the clock of the workspace unless another is passed in."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Workspace:
    """A folder with settings, a store, runs, versions and reports; open one with `sayso.open(folder)`."""

    def __init__(self, folder: Path, store: Store, given: Mapping[str, Any], clock: Callable[[], str]) -> None:
        self.folder = folder
        self.store = store
        self.given = dict(given)
        """What sayso.yaml says, unresolved."""
        self.clock = clock
        self._loaded: dict[str, LocalModel] = {}

    @staticmethod
    def init(folder: str | Path, *, model: str, store: str | Path = "", clock: Callable[[], str] = now) -> Workspace:
        """Make a workspace for `model`, a folder or a Hugging Face id; nothing is downloaded or loaded yet.

        Raises:
            SettingsError: there is a workspace already, or the name of a version is no model to begin with.
            NotFoundError: there is no such folder.
            StoreError: the folder cannot be written.
        """
        folder = Path(folder)
        if (folder / SETTINGS).exists():
            raise SettingsError("{folder!r} is a workspace already; open it with sayso -C {folder} …", folder=str(folder))
        path = model_place(model)
        try:
            for part in ("runs", "models", "reports"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            write_whole(folder / SETTINGS, config_text(path))
        except OSError as error:
            raise StoreError("{folder!r} cannot be written: {reason}", folder=str(folder), reason=error.strerror) from error
        workspace = Workspace.open(folder, store=store, clock=clock)
        workspace.store.add_version(Version(id="base", path=path, form="base", created=clock()))
        workspace.store.set_alias(CHAMPION, "base")
        return workspace

    @staticmethod
    def open(folder: str | Path = ".", *, store: str | Path = "", clock: Callable[[], str] = now) -> Workspace:
        """Open the workspace in `folder`, its records kept in `store`, else where SAYSO_STORE says, else its settings.

        Raises:
            NotFoundError: the folder is no workspace.
            SettingsError: a setting is wrong, or holds a password.
        """
        from sayso.store import database

        folder = Path(folder).resolve()
        if not (folder / SETTINGS).is_file():
            raise NotFoundError(
                "{folder!r} is no workspace (it has no sayso.yaml); make one with sayso init {folder} --model MODEL",
                folder=str(folder),
            )  # fmt: skip
        given = config.read(folder / SETTINGS)
        settings = config.build(Settings, given, where=SETTINGS)
        return Workspace(
            folder, database.open(store or os.environ.get(STORE) or _store_of(settings, folder), clock=clock), given, clock
        )

    def settings(self, *layers: Mapping[str, Any], assignments: Iterable[str] = ()) -> Settings:
        """Return the workspace's settings with further layers and `a.b=c` assignments laid over them."""
        merged = self.given
        for layer in layers:
            merged = merge(merged, layer)
        where = "--set" if assignments else SETTINGS
        return seeded(config.build(Settings, config.override(merged, assignments), where=where))

    # the verbs

    def comment(self, *comments: Comment) -> None:
        """Add comments; they are on disk when this returns."""
        self.store.add_comments(comments)

    def withdraw(self, comment_id: str, reason: str = "") -> None:
        """Take a comment back: it stays in the record, nothing learns from it any more."""
        self.store.withdraw(comment_id, reason)

    def generate(self, prompts: Sequence[Prompt] = (), *, settings: Settings | None = None, watch: Watcher = ignore) -> int:
        """Let the champion answer the prompts (all that may be learnt from, unless given); return how many it wrote."""
        from sayso.loop import writing

        return writing.generate(self, settings or self.settings(), prompts=prompts, watch=watch)

    def critique(self, names: Sequence[str] = ("rules",), *, settings: Settings | None = None) -> int:
        """Let critics comment on the champion's responses; return how many comments they wrote."""
        from sayso.loop import criticising

        return criticising.critique(self, settings or self.settings(), names)

    def refine(self, *, settings: Settings | None = None, watch: Watcher = ignore) -> Refined:
        """Write better responses where a comment applies and is not met."""
        from sayso.loop import improving

        return improving.refine(self, settings or self.settings(), watch=watch)

    def plan(self, *, settings: Settings | None = None, measure: bool = False, watch: Watcher = ignore) -> Plan:
        """Say what there is to learn from, and what would be refused, without training.

        With `measure`, how well the model follows comments is measured first, once a version.
        """
        from sayso.loop import planning

        return planning.plan(self, settings or self.settings(), measure=measure, watch=watch)

    def recommend(self, *, settings: Settings | None = None, budget: float | None = None) -> Advice:
        """Say which methods fit what the workspace holds, best first, in `budget` seconds if given."""
        from sayso.loop import recommending

        return recommending.recommend(self, settings or self.settings(), budget=budget)

    def learn(self, *, settings: Settings | None = None, watch: Watcher = ignore) -> Learnt:
        """Train a candidate on the refinements; taken up again where it stopped."""
        from sayso.loop import learning

        return learning.learn(self, settings or self.settings(), watch=watch)

    def evaluate(
        self, candidate: str = CANDIDATE, *, settings: Settings | None = None, watch: Watcher = ignore
    ) -> Evaluation:
        """Count the takes of every comment, champion against candidate, and let the gate decide."""
        from sayso.loop import measuring

        return measuring.evaluate(self, settings or self.settings(), candidate=candidate, watch=watch)

    def gate(self, *, settings: Settings | None = None) -> Evaluation:
        """Let the gate decide again on the latest evaluation."""
        from sayso.loop import deciding

        return deciding.gate(self, settings or self.settings())

    def promote(self, version: str = CANDIDATE) -> Promotion:
        """Make a version the champion."""
        from sayso.loop import deciding

        return deciding.promote(self, version)

    def rollback(self) -> Promotion:
        """Make the champion before this one the champion again."""
        from sayso.loop import deciding

        return deciding.rollback(self)

    def report(self, *, language: str | None = None, command: str = "") -> Path:
        """Write the latest evaluation as one HTML file and return its path."""
        from sayso.loop import reporting

        return reporting.report(self, language=language, command=command)

    def loop(self, *, settings: Settings | None = None, watch: Watcher = ignore, command: str = "") -> Round:
        """Do a whole round."""
        from sayso.loop import rounds

        return rounds.run(self, settings or self.settings(), watch=watch, command=command)

    def writer(self, version: str = CHAMPION) -> Writer:
        """Return what writes as a version: its model, or the engine behind its address."""
        from sayso.models import remote

        found = self.version(version)
        return remote.load(found.path) if remote.is_address(found.path) else self.model(version)

    def model(self, version: str = CHAMPION) -> LocalModel:
        """Return a version's model, loaded once; an adapter is loaded onto its base.

        Raises:
            ModelError: its weights are not here, but behind an address.
        """
        from sayso.models import local, remote

        found = self.version(version)
        if remote.is_address(found.path):
            raise ModelError(
                "the weights of {name} are not here but behind {address}: it can write and be commented on; to train it see "
                "sayso export and sayso finetune --backend hosted",
                name=found.id, address=found.path,
            )  # fmt: skip
        if found.id not in self._loaded:
            adapter = self.place_of(found.path) if found.form == "adapter" else None
            base = found.base if found.form == "adapter" else found.path
            self._loaded[found.id] = local.load(self.place_of(base), adapter=adapter)
        return self._loaded[found.id]

    def version(self, name: str) -> Version:
        """Return a version by its id or alias; a model's folder or id that is not known yet is registered as a base."""
        if not name:
            name = CHAMPION
        try:
            return self.store.version(name)
        except NotFoundError:
            if "/" not in name and not Path(name).is_dir():
                raise
            return self._register(model_place(name))

    def place_of(self, path: str) -> str:
        """Return where a version's path lies: inside the workspace, elsewhere, or a Hugging Face id as it is."""
        inside = self.folder / path
        return str(inside) if inside.exists() else path

    def forget_models(self) -> None:
        """Drop loaded models, so that their memory can be used again."""
        self._loaded.clear()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _register(self, path: str) -> Version:
        known = next((version for version in self.store.versions() if version.path == path), None)
        if known is not None:
            return known
        taken = sum(version.form == "base" for version in self.store.versions())
        version = Version(id=f"base{taken + 1}", path=path, form="base", created=self.clock())
        self.store.add_version(version)
        return version


def _store_of(settings: Settings, folder: Path) -> str | Path:
    """Return where the settings say that records are kept; settings are copied into run folders, so they hold no secret."""
    if not settings.store:
        return folder / DATABASE
    if "://" not in settings.store:
        raise SettingsError(
            "store: found {found!r}; expected a postgresql:// URL, or nothing for sayso.db", found=settings.store
        )
    if urlsplit(settings.store).password is not None:
        raise SettingsError(
            "store: the URL holds a password, and settings are copied into run folders; put the password into ~/.pgpass, "
            "or the whole URL into the environment as SAYSO_STORE"
        )
    return settings.store


def model_place(model: str) -> str:
    """Return where a model for a new workspace lies: its absolute folder, its Hugging Face id or its address as it is.

    Raises:
        NotFoundError: it is named like a folder, and there is none.
        SettingsError: it is the name of a version, which only a workspace that is there can have, or no name at all.
    """
    from sayso.models import remote

    folder = Path(model).expanduser() if model.startswith("~") else Path(model)
    if model and folder.is_dir():
        return str(folder.resolve())
    if _OURS.fullmatch(model) or not model.strip():
        raise SettingsError(
            "{model!r} is no model to start a new workspace with; expected a model's folder or a Hugging Face id, "
            "or -C with the workspace that has this version",
            model=model,
        )  # fmt: skip
    if remote.is_address(model):
        remote.load(model)  # says what is missing in it
        return model
    if _PATH.match(model):
        raise NotFoundError("there is no folder {model!r}; expected a model's folder, or a Hugging Face id", model=model)
    return model


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `above` laid over `below`, mappings merged key by key."""
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = merge(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def write_whole(path: Path, text: str) -> None:
    """Write a file under a temporary name and rename it: a crash leaves the old file whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def config_text(model: str) -> str:
    """Return the first sayso.yaml of a workspace."""
    return (
        f"# Settings of this workspace; docs/reference/settings.md lists every key.\n"
        f"# The base model is the version `base`: {model}\n"
        f"model_name_or_path: {CHAMPION}\n"
    )
