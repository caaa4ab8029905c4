"""A REAPER that runs is seen; other programs of that name are not. With real processes."""

import os
import sys

import pytest
from install_kit import open_folder, process

from reaper_aeq.reaper.install.running import running_reaper

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the processes are made for Linux")


@pytest.mark.parametrize("name", ["reaper", ".reaper-wrapped"])
def test_reaper_is_seen(tmp_path, name):
    with process(tmp_path, name, "libSwell.so") as pid:
        assert running_reaper() == pid
    assert running_reaper() is None


def test_reaper_under_wine_is_seen(tmp_path):
    with process(tmp_path, "reaper.exe") as pid:
        assert running_reaper() == pid


@pytest.mark.parametrize(("name", "library"), [("reaper", None), ("reaper-aeq", "libSwell.so"), ("grim", None)])
def test_other_programs_are_not_reaper(tmp_path, name, library):
    with process(tmp_path, name, library):
        assert running_reaper() is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_the_reaper_of_another_user_is_no_hindrance():
    with open_folder() as folder, process(folder, "reaper.exe", user=65534):
        assert running_reaper() is None
