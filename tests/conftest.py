"""How tests run: in which order, with which examples, and where the team's recordings and data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["AEQ_PROFILES"] = os.path.join(os.sep, "no-such-folder", "profiles.sqlite")  # nobody's own words

# One commit, one verdict. `pytest --hypothesis-profile=default` tries other examples every time.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

# Two workers share two cores: torch must not start threads of its own, which would slow both many times over.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The sentence model takes seconds to load: only the tests of free text switch it on.
os.environ.setdefault("AEQ_TEXT_MODEL", "off")

# Whatever defaults the user of this machine has are none of the tests'.
os.environ.setdefault("AEQ_CONFIG", "off")

SHARED = Path(os.environ.get("AEQ_SHARED") or Path(__file__).parents[2] / "shared")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder that tests marked `shared` read; never write there."""
    if not SHARED.is_dir():
        # reached only by a test that forgot the mark
        pytest.fail(f"no shared data at {SHARED}: mark this test with @pytest.mark.shared")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # files of long tests come first: one that starts last keeps a worker busy while the other has nothing left to do
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason="no shared data beside the checkout; AEQ_SHARED names another place")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(absent)
