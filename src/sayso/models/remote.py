"""A writer behind an address: any engine that speaks OpenAI's chat protocol (vLLM, SGLang, llama.cpp, Ollama, a host).

It is named by its address and, behind a #, what it is called there: `http://127.0.0.1:8000/v1#my-model`. Its weights are
not here, so it can write, be commented on and be measured, but not be trained: see `sayso finetune --backend hosted`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
        with ThreadPoolExecutor(max(1, min(self.concurrency, len(prompts)))) as pool, _told(self.address):
            asked = [pool.submit(self._one, prompt, number, sampling) for number, prompt in enumerate(prompts)]
            try:
                return [future.result() for future in asked]
            finally:  # what has not been asked yet is given up when one fails
                pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, prompt: Prompt, number: int, sampling: Sampling) -> str:
        more = {"top_k": sampling.top_k} if sampling.top_k else {}  # no part of the protocol, but most engines have it
        found = self.client.chat.completions.create(
            model=self.called, messages=[{"role": turn.role, "content": turn.content} for turn in prompt.messages],
            max_tokens=sampling.max_new_tokens, temperature=sampling.temperature, top_p=sampling.top_p,
            seed=sampling.seed * 1_000_003 + number, **({"extra_body": more} if more else {}),
        )  # fmt: skip
        if not found.choices:
            raise ModelError("{host} answered without an answer; look at its log", host=self.address)
        return found.choices[0].message.content or ""


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
