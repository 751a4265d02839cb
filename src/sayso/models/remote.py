"""A writer behind an address: any engine that speaks OpenAI's chat protocol (vLLM, SGLang, llama.cpp, Ollama, a host).

It is named by its address and, behind a #, what it is called there: `http://127.0.0.1:8000/v1#my-model`. Its weights are
not here, so it can write, be commented on and be measured, but not be trained: see `sayso finetune --backend hosted`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sayso.errors import ModelError, SettingsError
from sayso.models.writing.sampling import Sampling
from sayso.records import Prompt
from sayso.text.files import opening

KEY = "SAYSO_API_KEY"
"""The environment variable with the key; without it OPENAI_API_KEY, and without that none, as engines of one's own want."""
CONCURRENCY = 16
"""Questions that are asked at a time: such engines batch what comes together."""
_RETRIES = 6
_SECONDS = 300.0


def is_address(name: str) -> bool:
    """Whether a model's name is an address."""
    return name.startswith(("http://", "https://"))


def load(name: str, *, concurrency: int = CONCURRENCY) -> Remote:
    """Return the writer behind an address; nothing is asked yet.

    Raises:
        SettingsError: the address does not say what the model is called there.
        MissingExtraError: the client is not installed.
    """
    address, _hash, called = name.partition("#")
    if not is_address(name) or not called:
        raise SettingsError(
            "{name!r} does not say which model is meant; expected an address and its name there, such as "
            "http://127.0.0.1:8000/v1#my-model",
            name=name,
        )
    module = opening.extra("openai", "a model behind an address needs the package openai: pip install 'sayso[openai]'")
    key = os.environ.get(KEY) or os.environ.get("OPENAI_API_KEY") or "none"
    client = module.OpenAI(api_key=key, base_url=address, max_retries=_RETRIES, timeout=_SECONDS)
    return Remote(name=name, address=address, called=called, client=client, concurrency=concurrency)


@dataclass(kw_only=True, slots=True)
class Remote:
    """A model behind an address; a `Writer`."""

    name: str
    address: str
    called: str
    """Its name there."""
    client: Any = field(repr=False)
    concurrency: int = CONCURRENCY

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write one response a prompt, several at a time; a host that is busy or breaks off is asked again, with patience.

        The same sampling gives the same responses only where the host keeps to its seed.

        Raises:
            ModelError: the host refused, or could not be reached.
        """
        found = dict(self.arriving(prompts, sampling))
        return [found[number] for number in range(len(prompts))]

    def arriving(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, str]]:
        """Yield the number of a prompt and its response as they come; when one fails, those under way are yielded first.

        Raises:
            ModelError: the host refused, or could not be reached.
        """
        if sampling.int8:
            raise ModelError("int8 is for models that run here; how {host} computes, its engine decides", host=self.address)
        stopped = threading.Event()

        def asking(prompt: Prompt, seed: int) -> str | None:
            return None if stopped.is_set() else self._one(prompt, seed, sampling)

        pool = ThreadPoolExecutor(max(1, min(self.concurrency, len(prompts))))
        failed = None
        try:
            seeds = _seeds(prompts, sampling.seed)
            asked = {pool.submit(asking, *one): number for number, one in enumerate(zip(prompts, seeds, strict=True))}
            for future in as_completed(asked):
                error, number = future.exception(), asked[future]
                if error is not None:
                    failed = failed or error
                    stopped.set()  # what has not been asked yet is given up
                elif (text := future.result()) is not None:
                    yield number, text
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
        if failed is not None:
            with _told(self.address):
                raise failed

    def _one(self, prompt: Prompt, seed: int, sampling: Sampling) -> str:
        more = {"top_k": sampling.top_k} if sampling.top_k else {}  # no part of the protocol, but most engines have it
        found = self.client.chat.completions.create(
            model=self.called, messages=[{"role": turn.role, "content": turn.content} for turn in prompt.messages],
            max_tokens=sampling.max_new_tokens, temperature=sampling.temperature, top_p=sampling.top_p,
            seed=seed, **({"extra_body": more} if more else {}),
        )  # fmt: skip
        if not found.choices:
            raise ModelError("{host} answered without an answer; look at its log", host=self.address)
        return found.choices[0].message.content or ""


def _seeds(prompts: Sequence[Prompt], seed: int) -> list[int]:
    """Return a seed a prompt, from its words and how often it came before: the same when only the rest is asked again."""
    seen: Counter[str] = Counter()
    found = []
    for prompt in prompts:
        said = repr([(turn.role, turn.content) for turn in prompt.messages])
        digest = hashlib.sha256(repr((seed, seen[said], said)).encode()).digest()
        found.append(int.from_bytes(digest[:4], "big") >> 1)  # engines hold 32 bits, some with a sign
        seen[said] += 1
    return found


@contextmanager
def _told(host: str) -> Iterator[None]:
    """Say in one line what the host refused."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise ModelError(
            "{host} refused ({status}): {reason}", host=host, status=error.status_code, reason=reason_of(error)
        ) from error
    except openai.APIError as error:
        raise ModelError(
            "{host} cannot be reached ({reason}); check the address, and that the engine runs",
            host=host, reason=reason_of(error),
        ) from error  # fmt: skip


def reason_of(error: Any) -> str:
    """Return what a host said of an error, else what the client says."""
    body = getattr(error, "body", None)
    found: dict[str, Any] = body if isinstance(body, dict) else {}
    inner = found["error"] if isinstance(found.get("error"), dict) else found
    return str(inner.get("message") or error).strip() or type(error).__name__


if TYPE_CHECKING:
    from sayso.models import Writer

    _: type[Writer] = Remote
