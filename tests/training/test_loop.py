"""A training that is killed goes on to the very weights it would have had; a state that is not its own is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from reaper_aeq.errors import AeqError
from reaper_aeq.training.loop import Run, Schedule, fingerprint, train_network
from reaper_aeq.util.settings import EqTraining

SCHEDULE = Schedule(steps=40, learning_rate=0.01, weight_decay=0.01, save_every=10)


def toy(folder: Path, schedule: Schedule = SCHEDULE, seed: int = 3, name: str = "toy", step_done=None) -> nn.Module:
    """A network with batch norm and dropout (states and draws beyond the weights), trained in `folder`."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(0.3), nn.Linear(16, 2))

    def loss_of(generator: torch.Generator) -> dict[str, torch.Tensor]:
        x = torch.randn(32, 4, generator=generator)
        return {"loss": (network(x) - x[:, :2] * x[:, 2:]).square().mean()}

    run = Run(folder, seed, tell=lambda _: None, step_done=step_done or (lambda name, step, steps: None))
    train_network(run, name, network, schedule, loss_of)
    return network


def same(a: nn.Module, b: nn.Module) -> bool:
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_loop import toy

def step_done(name, step, steps):
    if step == 27:
        print("step 27", flush=True)
        time.sleep(600)

toy(Path(sys.argv[2]), step_done=step_done)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_and_resumed_is_the_same_to_the_last_bit(tmp_path):
    whole = toy(tmp_path / "whole")
    folder = tmp_path / "killed"
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}) as process:
        assert process.stdout.readline() == "step 27\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert sorted(path.name for path in folder.iterdir()) == ["toy.state", "train.log"]
    steps: list[int] = []
    resumed = toy(folder, step_done=lambda name, step, of: steps.append(step))
    assert steps == list(range(21, 41))  # from the last saved state, not from the start
    assert same(resumed, whole)
    assert not same(resumed, toy(tmp_path / "other", seed=4))


def test_what_was_finished_is_not_trained_again(tmp_path):
    first = toy(tmp_path)
    steps: list[int] = []
    assert same(toy(tmp_path, step_done=lambda name, step, of: steps.append(step)), first) and not steps
    assert not first.training


def test_networks_of_one_run_keep_apart(tmp_path):
    a, b = toy(tmp_path, name="a"), toy(tmp_path, name="b")
    assert not same(a, b)  # each has draws of its own
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.state", "b.state", "train.log"]
    assert set(Run(tmp_path, 3).history()) == {"a", "b"}


@pytest.mark.parametrize(
    "change",
    [{"steps": 41}, {"learning_rate": 0.02}, {"weight_decay": 0.0}, {"save_every": 7}, {"about": "other data"}],
    ids=str,
)
def test_other_settings_refuse_to_resume(tmp_path, change):
    toy(tmp_path)
    before = (tmp_path / "toy.state").read_bytes()
    with pytest.raises(AeqError, match=r"toy\.state is from a run with other settings or data: use another run folder"):
        toy(tmp_path, replace(SCHEDULE, **change))
    assert (tmp_path / "toy.state").read_bytes() == before


class Trap:
    def __reduce__(self):
        return exec, ("import builtins; builtins.sprung = True",)


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "foreign", "another network", "pickle"])
def test_a_damaged_state_is_refused_with_the_way_out(tmp_path, damage):
    toy(tmp_path)
    path = tmp_path / "toy.state"
    if damage == "foreign":
        torch.save({"step": 3}, path)
    elif damage == "another network":
        state = torch.load(path, weights_only=True)
        torch.save(state | {"network": {"0.weight": torch.zeros(2, 2)}}, path)
    elif damage == "pickle":
        torch.save(Trap(), path)
    else:
        data = path.read_bytes()
        path.write_bytes({"cut": data[: len(data) // 2], "text": b"notes", "empty": b""}[damage])
    with pytest.raises(AeqError, match=r"toy\.state cannot be resumed from \(\w+\): delete it") as caught:
        toy(tmp_path)
    assert "\n" not in str(caught.value)
    import builtins

    assert not hasattr(builtins, "sprung")


def test_the_rate_rises_and_falls():
    schedule = Schedule(steps=100, learning_rate=1.0, weight_decay=0.0, save_every=10)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0) and rates[-1] < 0.01
    top = rates.index(max(rates))
    assert top in (9, 10) and rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert all(0 < Schedule(steps, 1.0, 0.0, 1).rate(step) <= 1 for steps in (1, 2, 5) for step in range(steps))


def test_random_numbers_follow_from_seed_name_and_step(tmp_path):
    def draw(seed: int, name: str, step: int) -> float:
        return torch.rand(1, generator=Run(tmp_path, seed).generator(name, step)).item()

    found = {draw(seed, name, step) for seed in (1, 2) for name in ("a", "b") for step in (0, 1)}
    assert len(found) == 8 and draw(1, "a", 0) in found


def test_the_log_can_be_read_back_and_the_last_word_on_a_step_counts(tmp_path):
    run = Run(tmp_path, 1)
    run.log("eq", 1, loss=2.0, curve_db=1.5)
    run.log("eq", 51, loss=1.0)
    run.log("eq", 1, loss=3.0)
    assert run.history() == {"eq": {"loss": [(1, 3.0), (51, 1.0)], "curve_db": [(1, 1.5)]}}


def test_a_folder_that_cannot_be_used_is_told_of(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AeqError, match="cannot use the run folder"):
        Run(tmp_path / "file" / "run", 1)


def test_a_fingerprint_tells_settings_and_data_apart():
    settings, data = EqTraining(), torch.arange(4.0)
    same_again = fingerprint(EqTraining(), data.clone())
    assert fingerprint(settings, data) == same_again
    assert fingerprint(replace(settings, seed=4), data) != same_again
    assert fingerprint(settings, data + 1) != same_again
