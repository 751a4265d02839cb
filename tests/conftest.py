"""What every test may ask for: a tiny model of our own, and the shared real data where it lies beside the checkout.

What takes seconds to import is imported where it is used: the process that only hands out the tests reads this file too.
"""

from __future__ import annotations

import copy
import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tools.postgres import Server, programs, server

from sayso import i18n

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from sayso.models.local import LocalModel

ROOT = Path(__file__).resolve().parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background, where Ctrl-C is not heard; tests send it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported stays: it is looked through for garbage no more, which took a twentieth of the time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _asked_language() -> Iterator[None]:
    """No test speaks the language that another has chosen."""
    i18n.use(None)
    yield
    i18n.use(None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and small real models beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared data folder does not lie beside the checkout")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this test run's own, started when a test first asks for it."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed; get it with: apt-get install postgresql")
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder: a random two-layer Llama with grouped queries and a byte tokenizer, the same every time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "tiny-llama"
    tokenizer = _byte_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = LlamaForCausalLM(config)
    module.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_copy(tiny_folder: Path) -> Callable[[], LocalModel]:
    """Give the tiny model as it was loaded, on the CPU, as often as one asks: loading takes ten times as long as a copy."""
    from sayso.models import local

    loaded = local.load(tiny_folder, device="cpu")
    return lambda: copy.deepcopy(loaded)


@pytest.fixture(scope="session")
def _tiny(tiny_folder: Path) -> LocalModel:
    from sayso.models import local

    return local.load(tiny_folder)


@pytest.fixture
def tiny(_tiny: LocalModel) -> LocalModel:
    """The tiny model as it was loaded, where tensors are computed here; a test may do with it what it likes."""
    return copy.deepcopy(_tiny)


CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}"
    "{% elif m['role'] == 'assistant' %}<|assistant|>{{ m['content'] }}<|end|>"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _byte_tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())  # one letter stands for each of the 256 bytes
    words = {word: number for number, word in enumerate([*specials, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in specials])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>", model_max_length=256,
        additional_special_tokens=["<|user|>", "<|assistant|>"], chat_template=CHAT_TEMPLATE,
    )  # fmt: skip
