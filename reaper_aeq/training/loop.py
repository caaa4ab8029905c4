"""A few hundred steps of gradient descent that can be killed at any moment and go on as if nothing had happened.

Every random draw follows from (seed, name, step), so a run that was interrupted ends with the same weights as one that
was not. State goes to `<name>.state` in the run folder, the log to `train.log` (one tab-separated line a note).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from ..errors import AeqError
from ..model.curves import rms_db
from ..util.files import atomic_write

LOG_EVERY = 50
NEAR_DB = 0.5
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """One-cycle AdamW: up to `learning_rate` in the first tenth, down to nothing on a cosine."""

    steps: int
    learning_rate: float
    weight_decay: float
    save_every: int
    about: str = ""  # what else a state depends on: settings, seed and data, as `fingerprint` gives it

    @classmethod
    def of(cls, settings: Any, about: str) -> Schedule:
        """By the fields of these names of a training's settings."""
        return cls(settings.steps, settings.learning_rate, settings.weight_decay, settings.save_every, about)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0.

        Of the step alone: torch's schedulers remember where they are, and a state would have to hold that too.
        """
        rise = max(1, self.steps // 10)
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        done = (step - rise) / max(1, self.steps - rise)
        return self.learning_rate * 0.5 * (1 + torch.cos(torch.tensor(done * torch.pi)).item())


@dataclass
class Run:
    """Where a training keeps its state, log and plot, and whom it tells."""

    folder: Path
    seed: int
    tell: Callable[[str], None] = print
    step_done: Callable[[str, int, int], None] = lambda name, step, steps: None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AeqError(f"cannot use the run folder {self.folder}: {error.strerror or error}") from None

    def log(self, name: str, step: int, **figures: float) -> None:
        """A line of the log."""
        values = "\t".join(f"{key} {value:.4f}" for key, value in figures.items())
        with open(self.folder / "train.log", "a", encoding="utf-8") as file:
            file.write(f"{name}\t{step}\t{values}\n")

    def history(self) -> dict[str, dict[str, list[tuple[int, float]]]]:
        """What the log holds: name -> figure -> [(step, value)]; the last word on a step counts."""
        out: dict[str, dict[str, dict[int, float]]] = {}
        for line in (self.folder / "train.log").read_text(encoding="utf-8").splitlines():
            name, step, *figures = line.split("\t")
            for figure in figures:
                key, value = figure.rsplit(" ", 1)
                out.setdefault(name, {}).setdefault(key, {})[int(step)] = float(value)
        return {n: {k: sorted(v.items()) for k, v in figures.items()} for n, figures in out.items()}

    def plot(self, name: str, title: str) -> None:
        """`<name>.png` of the log: one panel a figure, one line a network, against steps. Raises `OutputError`."""
        from matplotlib.figure import Figure

        history = self.history()
        keys = list(dict.fromkeys(key for figures in history.values() for key in figures))
        figure = Figure(figsize=(9, 2.4 * len(keys)), layout="constrained")
        for axis, key in zip(figure.subplots(len(keys), 1, sharex=True, squeeze=False)[:, 0], keys, strict=True):
            for label, figures in history.items():
                if points := figures.get(key):
                    axis.plot(*zip(*points, strict=True), label=label, marker="." if len(points) == 1 else "")
            axis.set_ylabel(key)
            axis.grid(alpha=0.3)
        axis.set_xlabel("step")
        figure.axes[0].set_title(title)
        figure.axes[0].legend(fontsize="small", ncols=4)
        with atomic_write(self.folder / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=100)

    def held_out(self, curves_db: Tensor, share: float) -> Tensor:
        """(n, bands) -> (n,) bool: whole groups of near-duplicates, about `share` of all rows."""
        groups = near_duplicates(curves_db)
        order = torch.randperm(int(groups.max()) + 1, generator=self.generator("split", 0))
        return torch.isin(groups, order[: max(1, round(share * len(order)))])

    def network(self, name: str, build: Callable[[], Network]) -> Network:
        """What `build` makes, on the device of the run, its first weights drawn by (seed, name)."""
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self.generator(name, -1))))
            return build().to(self.device)

    def generator(self, name: str, step: int) -> torch.Generator:
        """The random numbers of one step of one network, the same whatever ran before."""
        return torch.Generator().manual_seed(_number(self.seed, name, step))


def near_duplicates(curves_db: Tensor) -> Tensor:
    """(n, bands) -> (n,), the group of each row, counted from 0 in the order of their first rows: rows within `NEAR_DB`
    of each other, directly or by a chain, share one.

    People save a setting twice; a split must not put one copy on each side.
    """
    near = torch.stack([rms_db(curves_db - row) for row in curves_db]) < NEAR_DB
    return torch.from_numpy(connected_components(near.numpy(), directed=False)[1]).long()


def fingerprint(settings: object, *data: Tensor) -> str:
    """A short hash of settings (any repr) and tensors: a state of other settings or data must not be resumed."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in data:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "little")


def train_network(
    run: Run, name: str, network: nn.Module, schedule: Schedule, loss_of: Callable[[torch.Generator], dict[str, Tensor]]
) -> None:
    """Trains `network` in place. `loss_of(generator)` gives named figures; 'loss' among them is descended.

    Goes on from `<name>.state` where there is one of the same schedule; raises `AeqError` if it is of another.
    """
    path = run.folder / f"{name}.state"
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    first = _resume(path, network, optimizer, schedule, run.device)
    network.train()
    for step in range(first, schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        generator = run.generator(name, step)
        torch.manual_seed(_number(run.seed, name, step, "dropout"))
        figures = loss_of(generator)
        optimizer.zero_grad(set_to_none=True)
        figures["loss"].backward()
        optimizer.step()
        run.step_done(name, step + 1, schedule.steps)
        last = step + 1 == schedule.steps
        if step % LOG_EVERY == 0 or last:
            run.log(name, step + 1, **{key: float(value.detach()) for key, value in figures.items()})
        if (step + 1) % schedule.save_every == 0 or last:
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            with atomic_write(path) as temporary:
                torch.save({**state, "step": step + 1, "schedule": vars(schedule)}, temporary)
    network.eval()


def _resume(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule, device: torch.device
) -> int:
    if not os.path.exists(path):
        return 0
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if same := state["schedule"] == vars(schedule):
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
    except Exception as error:  # a foreign or damaged file can fail in any way
        raise AeqError(f"{path} cannot be resumed from ({type(error).__name__}): delete it") from error
    if not same:
        raise AeqError(f"{path} is from a run with other settings or data: use another run folder, or delete this one")
    return int(state["step"])
