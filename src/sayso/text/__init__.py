"""Before any model: the vocabulary a text is cut into.

    sayso.text.tokenizer   train    learns a byte-level vocabulary and writes a Hugging Face tokenizer folder
    sayso.text.private     find     personal data in a text, so that a writer sees it before it is kept

Nothing here loads a model.
"""

from __future__ import annotations

__all__: list[str] = []
