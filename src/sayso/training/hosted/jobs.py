"""A job at a host: sent once, started once, followed until a model has a name.

The folder's `hosted.json` knows what was sent and which job is ours, so that the same command goes on where it was stopped
and never pays twice. The key is read from the environment and written nowhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import config
from sayso.errors import ModelError, SettingsError, StoreError
from sayso.i18n import gettext as _
from sayso.models.remote import reason_of
from sayso.text.files import opening
from sayso.training.hosted import orders
from sayso.training.hosted.orders import Order
from sayso.training.run import write_whole

if TYPE_CHECKING:
    from sayso.training.fitting import Watch

VERB = "finetune"
STATE, SENT = "hosted.json", "sent"
Sleep = Callable[[float], None]
"""Waits so many seconds."""
_OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosted:
    """Settings of a fine-tuning on somebody else's machines."""

    base_url: str = "https://api.openai.com/v1"
    """The address of the host, up to and with /v1."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key; it is written nowhere."""
    validation: str = ""
    """A file that is measured on and not learnt from; empty: none."""
    n_epochs: int = 0
    """How often every line is seen; 0: as the host sees fit."""
    learning_rate_multiplier: float = 0.0
    """The host's own rate times this; 0: as the host sees fit."""
    batch_size: int = 0
    """Lines a step; 0: as the host sees fit."""
    beta: float = 0.0
    """For pairs: how closely the model is held to what it was; 0: as the host sees fit."""
    suffix: str = ""
    """Comes into the name of the model; empty: none."""
    seed: int = 0
    """The host's seed."""
    price_per_million_tokens: float = 0.0
    """What the host asks for a million tokens of training; 0: not known, and no cost is estimated."""
    poll_seconds: float = 10.0
    """How often the job is asked after."""
    timeout_seconds: float = 120.0
    """How long one answer of the host may take."""

    def __post_init__(self) -> None:
        for name in ("n_epochs", "learning_rate_multiplier", "batch_size", "beta", "price_per_million_tokens"):
            if getattr(self, name) < 0:
                raise SettingsError("{key}: found {found}; expected 0 or more", key=name, found=getattr(self, name))
        for name in ("poll_seconds", "timeout_seconds"):
            if not getattr(self, name) > 0:
                raise SettingsError("{key}: found {found!r}; expected more than 0", key=name, found=getattr(self, name))
        if not self.base_url.startswith(("http://", "https://")):
            raise SettingsError(
                "base_url: found {found!r}; expected an address such as https://api.openai.com/v1", found=self.base_url
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a job would learn from and cost, before anything is sent."""

    form: orders.Form
    lines: int
    tokens: int
    """An estimate: tokens of all lines, once."""
    epochs: int
    """How often they would be seen; 0: the host decides."""
    cost: float | None
    """In the money of the price; None where no price, or no number of epochs, is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far a job has come; this is what the folder keeps."""

    base_url: str
    model: str
    """What is fine-tuned."""
    digest: str
    """Of what is sent, and of what decides the job."""
    training_file: str = ""
    validation_file: str = ""
    starting: bool = False
    """The job may have been started, and its answer may not have come."""
    job: str = ""
    status: str = ""
    fine_tuned_model: str = ""
    trained_tokens: int | None = None


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Hosted:
    """Return settings: the layers one over the other, and `key=value` assignments over those.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    return config.build(Hosted, config.override(config.merged(*layers), assignments), where=VERB)


def estimate(order: Order, settings: Hosted) -> Estimate:
    """Say what a job would learn from, and what it would cost where the price is known."""
    known = settings.price_per_million_tokens and settings.n_epochs
    cost = order.tokens * settings.n_epochs * settings.price_per_million_tokens / 1e6 if known else None
    return Estimate(form=order.form, lines=len(order.lines), tokens=order.tokens, epochs=settings.n_epochs, cost=cost)


def tune(
    model: str, order: Order, settings: Hosted, folder: Path, watch: Watch, *, held: Order | None, sleep: Sleep
) -> State:
    """Send what is to be learnt, start the job, follow it to its end, and return how it ended; or go on where it was.

    Raises:
        SettingsError: no key, or the folder holds another job.
        MissingExtraError: the client is not installed.
        ModelError: the host refused or failed; what it said is in the message.
        StoreError: the disk refused.
    """
    state = _begun(folder, State(base_url=settings.base_url, model=model, digest=_digest(model, order, held, settings)))
    if state.status == "succeeded":
        return state
    client = _client(settings)
    with _told(settings.base_url):
        state = _sent(client, state, order, held, folder)
        state = _started(client, state, order, settings, folder)
        return _followed(client, state, settings, folder, watch, sleep)


def _begun(folder: Path, fresh: State) -> State:
    """Return the state in a folder, or a fresh one."""
    path = folder / STATE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return fresh
        found = State(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StoreError("{path!r} cannot be read: {reason}", path=str(path), reason=str(error)) from error
    if found.digest != fresh.digest:
        raise SettingsError(
            "{path!r} holds the job of another model, other lines or other settings; give back what it was started with, or "
            "choose another folder",
            path=str(folder),
        )
    # a job that failed or was cancelled is started anew with what was sent
    return replace(found, job="", status="") if found.status in ("failed", "cancelled") else found


def _sent(client: Any, state: State, order: Order, held: Order | None, folder: Path) -> State:
    for name, part in (("training_file", order), ("validation_file", held)):
        if part is None or getattr(state, name):
            continue
        path = folder / SENT / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        write_whole(path, part.text)
        with path.open("rb") as file:
            found = client.files.create(file=(path.name, file), purpose="fine-tune")
        state = _keep(replace(state, **{name: found.id}), folder)
    return state


def _started(client: Any, state: State, order: Order, settings: Hosted, folder: Path) -> State:
    """Start the job, once: where an earlier start was broken off, the host is first asked whether it knows the job."""
    if state.job:
        return state
    if state.starting:
        known = [job for job in client.fine_tuning.jobs.list(limit=100) if job.training_file == state.training_file]
        going = [job for job in known if job.status not in ("failed", "cancelled")]
        if going:
            return _keep(replace(state, job=going[0].id, status=going[0].status), folder)
    state = _keep(replace(state, starting=True), folder)
    more = {"validation_file": state.validation_file, "suffix": settings.suffix}
    job = client.with_options(max_retries=0).fine_tuning.jobs.create(
        model=state.model, training_file=state.training_file, seed=settings.seed, method=_method(order.form, settings),
        **{name: value for name, value in more.items() if value},
    )  # fmt: skip
    return _keep(replace(state, job=job.id, status=job.status), folder)


def _method(form: orders.Form, settings: Hosted) -> dict[str, Any]:
    names = ("n_epochs", "learning_rate_multiplier", "batch_size", *(("beta",) if form == "preference" else ()))
    given = {name: getattr(settings, name) for name in names if getattr(settings, name)}
    kind = {"supervised": "supervised", "preference": "dpo"}[form]
    return {"type": kind, kind: {"hyperparameters": given}}


def _followed(client: Any, state: State, settings: Hosted, folder: Path, watch: Watch, sleep: Sleep) -> State:
    while True:
        job = client.fine_tuning.jobs.retrieve(state.job)
        state = _keep(
            replace(
                state, status=job.status, fine_tuned_model=job.fine_tuned_model or "", trained_tokens=job.trained_tokens
            ),
            folder,
        )
        said = next(iter(client.fine_tuning.jobs.list_events(state.job, limit=1)), None)
        note = f"{job.status}: {said.message}" if said else str(job.status)
        over = job.status in _OVER
        watch(stage=_("hosted"), done=int(over), total=1, unit=_("jobs"), note=note)
        if job.status == "succeeded":
            return state
        if over:
            reason = (job.error.message if job.error else "") or (said.message if said else "") or "?"
            raise ModelError(
                "the job {job} at {host} is {status}: {reason}; mend what it names and start it again with the same command",
                job=state.job, host=settings.base_url, status=job.status, reason=reason,
            )  # fmt: skip
        sleep(settings.poll_seconds)


def _client(settings: Hosted) -> Any:
    module = opening.extra("openai", "hosted fine-tuning needs the package openai: pip install 'sayso[openai]'")
    key = os.environ.get(settings.api_key_env, "")
    if not key:
        raise SettingsError(
            "the environment variable {name} is empty; set it to your key for {host}, or name another: --set api_key_env=…",
            name=settings.api_key_env, host=settings.base_url,
        )  # fmt: skip
    return module.OpenAI(api_key=key, base_url=settings.base_url, timeout=settings.timeout_seconds)


@contextmanager
def _told(host: str) -> Iterator[None]:
    """Say in one line what the host refused."""
    import openai

    try:
        yield
    except openai.AuthenticationError as error:
        raise ModelError("{host} refuses the key: {reason}", host=host, reason=reason_of(error)) from error
    except openai.APIStatusError as error:
        raise ModelError(
            "{host} refused ({status}): {reason}; the same command goes on from here",
            host=host, status=error.status_code, reason=reason_of(error),
        ) from error  # fmt: skip
    except openai.APIError as error:
        raise ModelError(
            "{host} cannot be reached: {reason}; the same command goes on from here", host=host, reason=reason_of(error)
        ) from error
    except OSError as error:
        raise StoreError("the run's folder cannot be written: {reason}", reason=str(error)) from error


def _keep(state: State, folder: Path) -> State:
    write_whole(folder / STATE, json.dumps(asdict(state), indent=1) + "\n")
    return state


def _digest(model: str, order: Order, held: Order | None, settings: Hosted) -> str:
    """Return a hash of what decides the job; how it is followed is no part of it."""
    free = ("poll_seconds", "timeout_seconds", "api_key_env", "price_per_million_tokens", "validation")
    decisive = {name: value for name, value in asdict(settings).items() if name not in free}
    form = [model, decisive, order.form, order.lines, held.lines if held else None]
    return hashlib.sha256(json.dumps(form, ensure_ascii=False).encode()).hexdigest()
