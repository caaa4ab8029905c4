"""`reaper-aeq reapack`: the file, what is said, and mistakes."""

import json
import xml.etree.ElementTree as ET

import pytest

from reaper_aeq.cli.main import main
from reaper_aeq.reaper.install.scripts import shipped_scripts

BASE = "https://example.org/reascripts/"


def test_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1769869353")
    out = tmp_path / "in dex é.xml"
    assert main(["reapack", "--base", BASE, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == len(shipped_scripts())
    first = out.read_bytes()
    assert ET.fromstring(first).find(".//version").get("time") == "2026-01-31T14:22:33Z"
    assert main(["reapack", "--base", BASE, "--out", str(out)]) == 0
    assert out.read_bytes() == first and "Import repositories" in capsys.readouterr().out


def test_here_by_default(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reapack", "--base", BASE]) == 0
    assert len(list(ET.parse("index.xml").iter("source"))) == len(shipped_scripts())


@pytest.mark.parametrize(
    ("arguments", "environ", "sentence"),
    [
        ([], {}, "Missing option '--base'"),
        (["--base", "example.org"], {}, "'example.org' is not a base address"),
        (["--base", BASE, "--out", "absent/index.xml"], {}, "does not exist: create it first"),
        (["--base", BASE], {"SOURCE_DATE_EPOCH": "today"}, "SOURCE_DATE_EPOCH must be a number of seconds"),
    ],
)
def test_mistakes(tmp_path, capsys, monkeypatch, arguments, environ, sentence):
    monkeypatch.chdir(tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["reapack", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1 and sentence in err
    assert list(tmp_path.iterdir()) == []
