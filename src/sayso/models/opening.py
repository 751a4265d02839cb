"""Which kind of model a configuration describes, and what opens it."""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
)

from sayso.models.forms import Form, causal, classifier, encoder_decoder, extractive, masked

AUTO: dict[str, Any] = {
    "causal": AutoModelForCausalLM, "encoder_decoder": AutoModelForSeq2SeqLM, "masked": AutoModelForMaskedLM,
    "classifier": AutoModelForSequenceClassification, "extractive": AutoModelForQuestionAnswering,
}  # fmt: skip
"""The class of transformers that opens each kind; its name in messages is the class's."""
_FORMS: dict[str, Any] = {
    "causal": causal.form, "encoder_decoder": encoder_decoder.form, "masked": masked.form, "classifier": classifier.form,
    "extractive": extractive.form,
}  # fmt: skip


def kind_of(config: PreTrainedConfig) -> str | None:
    """Return which kind of model a configuration is of (a key of `AUTO`), or None where it is none that is known here."""
    for ending, kind in (("ForSequenceClassification", "classifier"), ("ForQuestionAnswering", "extractive")):
        if any(str(name).endswith(ending) for name in config.architectures or ()):
            return kind
    if getattr(config, "is_encoder_decoder", False):
        return "encoder_decoder" if type(config) in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING else None
    continues = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) in MODEL_FOR_MASKED_LM_MAPPING and not (continues and getattr(config, "is_decoder", True)):
        return "masked"
    return "causal" if continues else None


def form_of(module: Any, tokenizer: Any) -> Form:
    """Return how a model is read, scored and made to write.

    Raises:
        ModelError: the tokenizer has no token that could end an answer.
    """
    found: Form = _FORMS[kind_of(module.config) or "causal"](module, tokenizer)
    return found
