"""Before any model: the vocabulary a text is cut into.

    sayso.text.tokenizer   train    learns a byte-level vocabulary and writes a Hugging Face tokenizer folder

Nothing here loads a model.
"""

from __future__ import annotations

__all__: list[str] = []
