"""Programs that nobody has read, run where they can do no harm: no network, files of their own, bounded in everything.

bubblewrap gives a program a world of its own: new process, network and mount namespaces, the machine's programs and the
Python packages of this environment to read, an empty folder to write. The kernel bounds each process (address space, seconds
of processor, size of a file, number of processes); what it cannot bound over all processes of a program, their memory and
their number, is looked at every few milliseconds from outside, and the whole world is ended when it is too much.

    running    run      one program and its tests, and what came of it
    world      missing  why there is no sandbox here
    inside              what runs inside, a file that knows nothing of this package
"""

from __future__ import annotations

__all__: list[str] = []
