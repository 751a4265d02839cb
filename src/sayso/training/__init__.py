"""The one loop: rows and a method become changed weights, one yielded `Step` at a time; it prints nothing.

`settings` (Train, Guard) steers a run; `preflight` (examine, describe) says what could not be learnt from before anything
starts; `guard` (Anchors, anchor_rows) holds the model where no comment applies; `optimizer` (prepare) makes a model ready
to learn; `steps` (steps, Step) is the loop; `run` (keep) passes the steps through and writes them down; `checkpoints` lets a
run that was killed go on where it was.
"""

from __future__ import annotations

__all__: list[str] = []
