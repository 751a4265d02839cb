"""Fine-tuning on somebody else's machines: any address that speaks OpenAI's protocol of files and jobs.

orders    read      what is learnt, as the lines that are sent, with what it would cost
jobs      tune      send them, start the job, follow it, and name the model that came of it
"""

from __future__ import annotations

__all__: list[str] = []
