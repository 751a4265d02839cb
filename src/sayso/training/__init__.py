"""The one loop: rows and a method become changed weights, one yielded `Step` at a time; it prints nothing.

`settings` (Train, Guard) steers a run; `preflight` (examine, describe) says what could not be learnt from before anything
starts; `steps` (steps, Step) is the loop; `run` (keep) passes the steps through and writes them down. `engine` is what the
loop stands on, `material` what there is to learn from, `foresight` what it would take. `fitting` is what all files of texts
have in common that are learnt from: `pretraining`, `finetuning`, `classical` models, and `classifiers`.
"""

from __future__ import annotations

__all__: list[str] = []
