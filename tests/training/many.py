"""What a test lets several processes do: each joins the others over a file, on this machine alone."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "import sys; from tests.training.many import _one; _one(*sys.argv[1:])"


def together(job: str, folder: Path, size: int = 2) -> list[Any]:
    """Do `job`, a `module:function` of a folder, in so many processes; return what it gave in each, or raised."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meeting").unlink(missing_ok=True)
    shared = {**os.environ, "WORLD_SIZE": str(size), "SAYSO_MEETING": str(folder / "meeting"), "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN, job, str(folder)], env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
        )
        for rank in range(size)
    ]
    try:
        assert [process.wait(timeout=400) for process in started] == [0] * size
    finally:
        for process in started:
            process.kill()
    return [torch.load(folder / f"found-{rank}.pt", weights_only=False) for rank in range(size)]


def _one(job: str, folder: str) -> None:
    from sayso.errors import SaysoError
    from sayso.training.engine import distributed, place

    module, _colon, name = job.partition(":")
    found: Any
    try:
        with distributed.joined(place.place()):
            found = getattr(import_module(module), name)(Path(folder))
    except SaysoError as error:
        found = error
    torch.save(found, Path(folder) / f"found-{os.environ['RANK']}.pt")


def sums(_folder: Path) -> dict[str, Any]:
    """Sum gradients of which some processes have none, and ask what each process may ask of the others."""
    from sayso.batches import row
    from sayso.training.engine import distributed

    rank = distributed.here().rank
    parameters = [torch.nn.Parameter(torch.zeros(size)) for size in (3, 2, 4)]
    parameters[0].grad = torch.full((3,), 1.0 + rank)
    if rank:
        parameters[1].grad = torch.ones(2)
    distributed.add_gradients(parameters)
    rows = [row([1], [2] * length, label=str(length)) for length in (9, 1, 1, 1, 4, 4)]
    return {
        "gradients": [item.grad for item in parameters],
        "rows": [item.label for item in distributed.share(rows, size=1)],
        "pairs": [item.label for item in distributed.share(rows, size=2)],
        "none": distributed.share(rows[:rank], size=1) if rank else [],
        "gathered": distributed.gathered(lambda: rank * 10),
        "first": distributed.by_first(lambda: f"rank {rank}"),
        "each": distributed.first_then_others(lambda: rank),
    }


def fails(_folder: Path) -> None:
    """Fail in the last process alone, where all wait for one another."""
    from sayso.errors import ModelError
    from sayso.training.engine import distributed

    rank = distributed.here().rank

    def do() -> None:
        if rank:
            raise ModelError("process {rank} could not", rank=rank)

    distributed.gathered(do)


def leaves(_folder: Path) -> None:
    """Let the last process fail by itself while the first waits for it."""
    from sayso.errors import StoreError
    from sayso.training.engine import distributed

    if distributed.here().rank:
        raise StoreError("the disk {name!r} is full", name="d")
    distributed.gathered(lambda: None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One training."""

    method: Any
    settings: Any
    rows: Any
    guard: Any = None
    folder: str = ""
    """Where its run is kept; empty: nowhere that another job goes on with."""
    stop: int = 0
    """After so many steps."""
    cramped: int = 0
    """Whether the last process runs out of memory where more tokens go through at once; 0: it does not."""
    environ: Any = dataclasses.field(default_factory=dict)
    """What a launcher says to several processes."""


def train(folder: Path) -> list[dict[str, Any]]:
    """Do the trainings of `jobs.pt` in the folder, one after another, and return what each came to."""
    return [trained(job, folder, number) for number, job in enumerate(torch.load(folder / "jobs.pt", weights_only=False))]


def trained(job: Job, folder: Path, number: int) -> dict[str, Any]:
    """Train the model of the folder, in as many processes as there are, and return the records and the weights."""
    from tests.training.engine.test_room import cramped

    from sayso.models import local
    from sayso.training.engine.optimizer import prepare, trainable
    from sayso.training.steps import steps

    if "RANK" in os.environ:
        os.environ.update(job.environ)
    policy = prepare(local.load(folder / "model", device="cpu"), job.settings)
    asked = cramped(policy, job.cramped, MemoryError(), late=True) if job.cramped and _last() else []
    records: list[Any] = []
    run = folder / (job.folder or f"{os.environ.get('WORLD_SIZE', '1')}-{number}")
    for record in steps(
        job.method, policy, job.rows, job.settings, guard=job.guard, folder=run, resume=True,
        stop=lambda: len(records) == job.stop, clock=lambda: 0.0,
    ):  # fmt: skip
        records.append(dataclasses.asdict(record))
    weights = {name: item.detach() for name, item in trainable(policy.module).items()}
    return {"records": records, "weights": weights, "asked": asked}


def _last() -> bool:
    return int(os.environ.get("RANK", "-1")) == int(os.environ.get("WORLD_SIZE", "0")) - 1


def said(found: Sequence[Any]) -> list[str]:
    """Return the sentences of errors."""
    return [f"{type(error).__name__}: {error}" for error in found]
