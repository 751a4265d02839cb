"""Before any model: texts are read, cleaned, told apart, and cut into tokens.

    files        texts in files, record by record, in every usual format
    cleaning     what is done to one text: put right, dropped, personal data masked
    overlap      what texts share: duplicates, passages, texts of evaluation sets, splits that do not leak
    corpus       texts and conversations to learn from; `words`: how they are cut into words
    tokenizer    a vocabulary of one's own; `learning`: the kinds of it, `vocabularies`: several compared
    tokens       token ids on disk, mapped into memory
    checking     what is wrong in files; `cards`: what they hold, on one page
    settings     all settings of the above together

Nothing here loads a model.
"""

from __future__ import annotations

__all__: list[str] = []
