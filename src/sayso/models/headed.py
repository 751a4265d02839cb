"""Classifiers that are networks: opened with their head or given a new one, or drawn at random.

Letters: N texts, K classes.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as KNOWN

from sayso.errors import ModelError, NotFoundError, SettingsError
from sayso.models import folders, local, opening
from sayso.models.forms import classifier
from sayso.models.forms.classifier import Classifier
from sayso.models.labelling import Text, log_softmax
from sayso.models.local import LocalModel

_SMALL: Mapping[str, Any] = {
    "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 512,
    "max_position_embeddings": 256,
}  # fmt: skip
"""What random weights are made to, where nothing else is said: quick on a processor, and enough for some thousand texts."""
_LONGEST = 1 << 20


def headed(name: str, labels: Sequence[str], *, seed: int = 0, device: str = "auto") -> LocalModel:
    """Open a model by folder or Hugging Face id as a classifier of these classes; without such a head it gets a new one.

    Raises:
        NotFoundError: there is no such model.
        ModelError: it cannot be opened, or there is no classifier of its kind.
    """
    folder = folders.find(name)
    config: Any = folders.open_config(folder)
    own = tuple(str(config.id2label[number]) for number in sorted(config.id2label))
    again = opening.kind_of(config) != "classifier" or own != tuple(labels)
    if again:
        _name_classes(config, labels)
    words = folders.open_tokenizer(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = folders.open_module(folder, config, dtype=torch.float32, kind="classifier", headed=not again)
    return _model(name, module, words, device=device)


def drawn(
    architecture: str, keys: Mapping[str, Any], tokenizer: Path, labels: Sequence[str], *, seed: int, device: str = "auto"
) -> LocalModel:
    """Return a classifier with random weights around a tokenizer; small, where the keys say nothing else.

    Raises:
        NotFoundError: transformers knows no such model, or there is no tokenizer folder.
        SettingsError: a key that the architecture does not have, or there is no classifier of its kind.
    """
    words = folders.open_tokenizer(folders.find(str(tokenizer)))
    config = _configuration(architecture, keys, words)
    _name_classes(config, labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        auto: Any = AutoModelForSequenceClassification
        try:
            module = auto.from_config(config, dtype=torch.float32)
        except (ValueError, TypeError, KeyError, RuntimeError, AttributeError, ZeroDivisionError) as error:
            raise _refused(architecture, error) from error
    return _model(f"fresh:{architecture}", module, words, device=device)


class NetworkLabeller:
    """A classifier that is a network, as a `Labeller`."""

    def __init__(self, model: LocalModel) -> None:
        self.model, self.name = model, model.name
        assert isinstance(model.form, Classifier)
        self.form: Classifier = model.form
        self.labels = self.form.chat.labels

    def logprobs(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the log-probability (nats) of every class of every text: (N, K)."""
        return log_softmax(self.logits(texts))

    def logits(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the logits, divided by the temperature: (N, K)."""
        ids = [self.form.chat.encode(text, pair) for text, pair in texts]
        if self.model.module.training:
            self.model.module.eval()
        found: NDArray[np.float64] = self.form.of_ids(self.model.inner, ids, pad_id=self.model.pad_id).double().numpy()
        return found

    def num_parameters(self) -> int:
        """Count the weights."""
        return self.model.num_parameters()


def labeller(name_or_path: str | Path, *, device: str = "auto") -> NetworkLabeller:
    """Open a network as a classifier.

    Raises:
        ModelError: it writes, and has no classes.
    """
    model = local.load(name_or_path, device=device)
    if not isinstance(model.form, Classifier):
        raise ModelError("{name}: it writes, and has no classes of its own; ask it in words", name=str(name_or_path))
    return NetworkLabeller(model)


def _model(name: str, module: Any, words: Any, *, device: str) -> LocalModel:
    module.config.architectures = [type(module).__name__]
    if module.config.pad_token_id is None:
        module.config.pad_token_id = words.pad_token_id if words.pad_token_id is not None else words.eos_token_id or 0
    found = LocalModel(
        name=name, module=module.to(local.place(device)).eval(), tokenizer=words, form=classifier.form(module, words)
    )
    found.base = ""  # its head is in no folder yet
    return found


def _name_classes(config: Any, labels: Sequence[str]) -> None:
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = "single_label_classification"


def _configuration(architecture: str, keys: Mapping[str, Any], words: Any) -> Any:
    """Return a small configuration of an architecture with these keys, fitted to a tokenizer."""
    if architecture not in KNOWN or architecture not in CONFIG_MAPPING:
        near = difflib.get_close_matches(architecture, KNOWN, n=1) or ["bert"]
        raise NotFoundError(
            "fresh:{name}: transformers has no classifier of this kind; did you mean {near!r}?",
            name=architecture, near=near[0],
        )  # fmt: skip
    usual = CONFIG_MAPPING[architecture]()
    known = {*usual.to_dict(), *usual.attribute_map}
    wrong = next((key for key in keys if key not in known), None)
    if wrong is not None:
        near = difflib.get_close_matches(wrong, known, n=1) or ["hidden_size"]
        raise SettingsError(
            "model.{key}: {architecture} has no such key; did you mean {near!r}?",
            key=wrong, architecture=architecture, near=near[0],
        )  # fmt: skip
    fitted = {
        "vocab_size": len(words), "bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }  # fmt: skip
    small = {key: value for key, value in _SMALL.items() if key in known}
    if words.model_max_length < _LONGEST and "max_position_embeddings" in known:
        small["max_position_embeddings"] = words.model_max_length
    try:
        return AutoConfig.for_model(architecture, **{**fitted, **small, **keys})
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise _refused(architecture, error) from error


def _refused(architecture: str, error: Exception) -> SettingsError:
    return SettingsError(
        "model: {architecture} refuses these keys: {reason}",
        architecture=architecture, reason=" ".join(str(error).split())[:300],
    )  # fmt: skip
