"""How classifiers are trained: labelled texts and comments on labels, a linear baseline beside, and a calibrated end.

`classifying` is the whole way, `classifying_data` the splits, `classifying_network` the network, `classifying_comments` what
comments teach, `calibration` the temperature.
"""

from __future__ import annotations

__all__: list[str] = []
