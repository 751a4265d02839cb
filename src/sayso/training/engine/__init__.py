"""What a training step stands on: memory, devices, processes and disks, whatever is learnt.

`backward` leaves a gradient in the weights, in halves where memory runs out (`memory`), and names the rows of one that is no
number (`finite`, `naming`); `order` and `drawing` say which rows a step takes, `guard` adds the anchors, `remembering` keeps
what the model before training said; `optimizer` and `layers` make a model ready; `place`, `distributed` and `sharding` let
several processes learn as one; `checkpoints` and `stopping` lose nothing.
"""

from __future__ import annotations

__all__: list[str] = []
