"""What cannot be right is answered before torch is loaded, by every command."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from sounds import noise, store
from tables_kit import table

from reaper_aeq.model import DEFAULT_ENCODER, ENCODERS
from reaper_aeq.training.datasets.tables import CONTRIBUTIONS, SETTINGS, SPECTRA, WORDS
from reaper_aeq.util.paths import shipped

HEAVY = ("torch", "scipy", "matplotlib", "distributed", "fastapi")
# All command lines in one process: what one of them loads is seen after it, and starting Python is paid for once.
SCRIPT = f"""
import contextlib, importlib.util, io, json, os, sys
from unittest import mock
os.environ["AEQ_TEXT_MODEL"] = "off"
find_spec = importlib.util.find_spec
mock.patch("importlib.util.find_spec", lambda name: None if name == "matchering" else find_spec(name)).start()
mock.patch("reaper_aeq.cli.commands.devices.has_driver", lambda: False).start()
from reaper_aeq.cli.main import main
seen = set()
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    heavy = [name for name in {HEAVY!r} if name in sys.modules and name not in seen]
    seen.update(heavy)
    files = sorted(os.path.join(place, name) for place, _, names in os.walk(".") for name in names)
    print(json.dumps([code, out.getvalue(), err.getvalue(), heavy, files]))
"""

MODELS = ("words", "eq", ENCODERS[DEFAULT_ENCODER])
MISTAKES = {
    "adapt: source": (["adapt", "nope.wav", "warm"], "nope.wav does not exist"),
    "adapt: source is a folder": (["adapt", "empty", "warm"], "is a folder: give an audio file"),
    "adapt: word": (["adapt", "song.wav", "wram"], "did you mean 'warm'"),
    "adapt: part of a blend": (["adapt", "song.wav", "warm 0.5, aery 0.5"], "did you mean 'airy'"),
    "adapt: text without a model": (["adapt", "song.wav", "like the sea at night"], "unknown word"),
    "adapt: folder of the output": (["adapt", "song.wav", "warm", "-o", "no/out.wav"], "does not exist: create it"),
    "adapt: folder of the plot": (["adapt", "song.wav", "warm", "--plot", "no/p.png"], "does not exist: create it"),
    "adapt: output is a folder": (["adapt", "song.wav", "warm", "-o", "folder.wav"], "it is a folder"),
    "adapt: suffix": (["adapt", "song.wav", "warm", "-o", "out.m4a"], "choose a name that ends in"),
    "adapt: method": (["adapt", "song.wav", "warm", "--method", "magic"], "unknown method 'magic'"),
    "adapt: encoder": (["adapt", "song.wav", "warm", "--encoder", "rnn"], "unknown encoder 'rnn'"),
    "adapt: models": (["adapt", "song.wav", "warm", "--models", "empty"], "is missing from empty"),
    "adapt: models, no folder": (["adapt", "song.wav", "warm", "--models", "no"], "there is no folder no with models"),
    "adapt: models, damaged": (["adapt", "song.wav", "warm", "--models", "damaged"], "is damaged"),
    "project: a pipe as plan": (["project", "song.rpp", "--plan", "pipe"], "pipe cannot be read: it is a device"),
    "project: a pipe": (["project", "pipe"], "pipe: it is not a file"),
    "project: an empty file": (["project", "empty.rpp"], "empty.rpp: it is an empty file"),
    "project: no name": (["project", ""], "it is not a file"),
    "project: no ending": (["project", "song"], "song has no ending: rename it to song.rpp"),
    "batch: an empty name": (["batch", "", "-o", "out"], "an input is empty: name a file or a folder"),
    "batch: a pipe as plan": (["batch", "song.rpp", "-o", "out", "--plan", "pipe"], "it is a device or a pipe"),
    "train eq: a pipe as settings": (["train", "eq", "--settings", "pipe"], "it is a device or a pipe"),
    "train eq: binary settings": (["train", "eq", "--settings", "song.wav"], "song.wav is not a settings file: it is"),
    "serve: a pipe as state file": (["serve", "--state-file", "pipe"], "pipe is not the state file of a backend"),
    "evaluate listen: a file": (["evaluate", "listen", "song.wav"], "song.wav is not a folder"),
    "adapt: no audio": (["adapt", "text.wav", "warm"], "text.wav is not audio"),
    "adapt: models, one missing": (["adapt", "song.wav", "warm", "--models", "words"], "eq.json is missing from words"),
    "match: no audio": (["match", "song.wav", "text.wav"], "text.wav is not audio"),
    "analyze: no audio": (["analyze", "text.wav"], "text.wav is not audio"),
    "live: no audio": (["live", "match", "text.wav"], "text.wav is not audio"),
    "evaluate listen: no audio": (
        ["evaluate", "listen", "study", "--audio", "text.wav", "--word", "warm"],
        "text.wav is not audio",
    ),
    "evaluate listen: no study": (["evaluate", "listen", "empty", "--result"], "empty holds no study yet"),
    "project: nothing plays": (["project", "song.rpp"], "holds no media items that play"),
    "batch: scheduler": (
        ["batch", "song.rpp", "-o", "out", "--scheduler", "here"],
        "no scheduler at here: it names no port",
    ),
    "train eq: device": (
        ["train", "eq", "--device", "gpu"],
        "--device': 'gpu' is not one of 'auto'",
    ),
    "train audio: device": (["train", "audio", "--device", "cuda"], "no CUDA"),
    "train cvae: phrases": (["train", "cvae", "--data", "data"], "phrases of your own are switched off"),
    "train words: rows": (["train", "words", "--data", "rows"], "rows/safe_eq.csv holds no rows"),
    "train eq: column": (["train", "eq", "--data", "column"], "column/safe_eq.csv has no column 'low_shelf_freq_hz'"),
    "train eq: number": (["train", "eq", "--data", "number"], "line 2 has no number for 'g20' but 'loud'"),
    "train audio: binary": (["train", "audio", "--data", "binary"], "binary/ltas_prior.tsv: it is not a table of text"),
    "evaluate text: phrases": (["evaluate", "text", "--data", "data"], "phrases of your own are switched off"),
    "evaluate compare: only": (
        ["evaluate", "compare", "--audio", "music", "--data", "data", "--only", "magic"],
        "unknown method 'magic': use one of 'nothing', 'fixed SAFE'",
    ),
    "evaluate compare: matchering": (
        ["evaluate", "compare", "--audio", "music", "--data", "data", "--matchering"],
        "matchering is not installed",
    ),
    "match: source": (["match", "nope.wav", "song.wav"], "nope.wav does not exist"),
    "match: reference": (["match", "song.wav", "nope.wav"], "nope.wav does not exist"),
    "match: weights": (["match", "song.wav", "song.wav", "--weights", "1,2"], "2 weights for 1 reference"),
    "match: no weights": (["match", "song.wav", "song.wav", "--weights", "a"], "cannot read the weights 'a'"),
    "match: weight": (["match", "song.wav", "song.wav", "--weights", "-1"], "must be a number above 0"),
    "match: folder": (["match", "song.wav", "song.wav", "-o", "no/out.wav"], "does not exist: create it"),
    "match: by": (["match", "song.wav", "song.wav", "--by", "ear"], "unknown way to match 'ear'"),
    "match: models": (["match", "song.wav", "song.wav", "--models", "no"], "no folder no"),
    "analyze: source": (["analyze", "nope.wav", "no2.wav"], "nope.wav does not exist"),
    "analyze: models": (["analyze", "song.wav", "--models", "no"], "no folder no"),
    "evaluate personal: data": (["evaluate", "personal", "--data", "no"], "data sets 'no' does not exist"),
    "profile learn: sound": (["profile", "learn", "nope.wav", "warm", "my.RfxChain"], "nope.wav does not exist"),
    "profile learn: chain": (["profile", "learn", "song.wav", "warm", "my.RfxChain"], "there is no such file"),
    "profile learn: nothing asked": (
        ["profile", "learn", "song.wav", "warm", "my.RfxChain", "--intensity", "0"],
        "there is nothing to be learned",
    ),
    "profile list: name": (["profile", "list", "--profile", "x" * 101], "1 to 100 printable characters"),
    "profile export: folder": (["profile", "export", "no/mine.json"], "does not exist"),
    "profile erase: name": (["profile", "erase", "--profile", "x" * 101], "1 to 100 printable characters"),
    "words: models": (["words", "--models", "no"], "no folder no"),
    "words: language": (["words", "--language", "xx"], "no words of language 'xx'"),
    "project: song": (["project", "nope.rpp"], "nope.rpp: there is no such file"),
    "project: plan": (["project", "song.rpp", "--plan", "nope.toml"], "nope.toml does not exist"),
    "project: word of the plan": (["project", "song.rpp", "--plan", "wrong.toml"], "line 2: unknown word 'wram'"),
    "project: profile of the plan": (["project", "song.rpp", "--plan", "whose.toml"], "line 4: the name of a profile"),
    "project: reference": (["project", "song.rpp", "--plan", "reference.toml"], "nope.wav does not exist"),
    "project: folder": (["project", "song.rpp", "-o", "no/song.rpp"], "does not exist: create it"),
    "project: models": (["project", "song.rpp", "--models", "no"], "no folder no"),
    "batch: input": (["batch", "nope", "-o", "out"], "nope: there is no such file or folder"),
    "batch: list": (["batch", "--list", "nope.txt", "-o", "out"], "nope.txt cannot be read"),
    "batch: plan": (["batch", "song.rpp", "-o", "out", "--plan", "nope.toml"], "nope.toml does not exist"),
    "batch: word of the plan": (["batch", "song.rpp", "-o", "out", "--plan", "wrong.toml"], "unknown word 'wram'"),
    "batch: word": (["batch", "song.wav", "-o", "out", "--word", "wram"], "did you mean 'warm'"),
    "batch: method": (["batch", "song.wav", "-o", "out", "--word", "warm", "--method", "m"], "unknown method 'm'"),
    "batch: folder": (["batch", "song.rpp", "-o", "song.wav/out"], "part of its path is a file"),
    "batch: models": (["batch", "song.rpp", "-o", "out", "--models", "no"], "no folder no"),
    "live: word": (["live", "wram"], "did you mean 'warm'"),
    "live: method": (["live", "warm", "--method", "magic"], "unknown method 'magic'"),
    "live: plan": (["live", "project", "--plan", "wrong.toml"], "unknown word 'wram'"),
    "live: reference": (["live", "match", "nope.wav"], "nope.wav does not exist"),
    "live: models": (["live", "warm", "--models", "no"], "no folder no"),
    "live learn: name": (["live", "learn", "--profile", "x" * 101], "1 to 100 printable characters"),
    "live learn: models": (["live", "learn", "--models", "no"], "no folder no"),
    "live: profile": (["live", "warm", "--profile", "a\nb"], "1 to 100 printable characters"),
    "batch: profile": (["batch", "song.wav", "-o", "out", "--word", "warm", "--profile", ""], "printable characters"),
    "demo: folder": (["demo", "--out", "song.wav"], "part of its path is a file"),
    "demo: models": (["demo", "--models", "no"], "no folder no"),
    "serve: models": (["serve", "--state-file", "state/b.json", "--models", "no"], "no folder no"),
    "serve: folder": (["serve", "--state-file", "song.wav/b.json"], "cannot write"),
    "install: folder": (["install", "--resource-path", "no"], "no"),
    "reapack: folder": (["reapack", "--base", "https://x.example/a", "--out", "no/index.xml"], "create it first"),
    "train eq: data": (["train", "eq", "--data", "no"], "data sets 'no' does not exist"),
    "train eq: settings": (["train", "eq", "--settings", "no.toml"], "cannot read the settings in no.toml"),
    "train eq: unknown setting": (["train", "eq", "--settings", "wrong.toml"], "unknown setting 'rule'"),
    "train eq: out": (["train", "eq", "--out", "song.wav"], "part of its path is a file"),
    "train audio: audio": (["train", "audio", "--audio", "no"], "folder of recordings 'no' does not exist"),
    "train audio: no recordings": (["train", "audio", "--audio", "empty"], "empty holds no recordings"),
    "train audio: sounds": (["train", "audio", "--sounds", "birds"], "unknown sounds 'birds'"),
    "train audio: encoder": (["train", "audio", "--encoder", "rnn"], "unknown encoder 'rnn'"),
    "train words: data": (["train", "words", "--data", "empty"], "cannot read the data set empty/safe_eq.csv"),
    "train cvae: models": (
        ["train", "cvae", "--data", "data", "--models", "no"],
        "folder of models 'no' does not exist",
    ),
    "train usual: audio": (["train", "usual", "--audio", "no"], "folder of recordings 'no' does not exist"),
    "evaluate usual: data": (
        ["evaluate", "usual", "--audio", "music", "--data", "no"],
        "data sets 'no' does not exist",
    ),
    "train proxy: data": (["train", "proxy", "--data", "no"], "data sets 'no' does not exist"),
    "train match: audio": (["train", "match", "--data", "data", "--audio", "no"], "recordings 'no' does not exist"),
    "evaluate sections: audio": (
        ["evaluate", "sections", "--audio", "no", "--data", "music"],
        "recordings 'no' does not exist",
    ),
    "evaluate sections: data": (
        ["evaluate", "sections", "--audio", "music", "--data", "no"],
        "data sets 'no' does not exist",
    ),
    "evaluate laws: audio": (["evaluate", "laws", "--audio", "no"], "recordings 'no' does not exist"),
    "evaluate laws: method": (["evaluate", "laws", "--audio", "music", "--method", "m"], "unknown method 'm'"),
    "evaluate laws: only": (["evaluate", "laws", "--audio", "music", "--only", "loud"], "unknown law 'loud'"),
    "evaluate repair: data": (
        ["evaluate", "repair", "--audio", "music", "--data", "no"],
        "data sets 'no' does not exist",
    ),
    "evaluate encoder: models": (["evaluate", "encoder", "--audio", "music", "--models", "no"], "no folder no"),
    "evaluate usual: learn": (
        ["evaluate", "usual", "--audio", "music", "--data", "data", "--learn", "no"],
        "recordings 'no' does not exist",
    ),
    "evaluate match: learn": (
        ["evaluate", "match", "--audio", "music", "--data", "data", "--learn", "no"],
        "recordings 'no' does not exist",
    ),
    "evaluate compare: plot": (
        ["evaluate", "compare", "--audio", "music", "--data", "data", "--plot", "p.bmp"],
        "cannot write p.bmp",
    ),
    "evaluate variations: data": (["evaluate", "variations", "--audio", "music", "--data", "no"], "does not exist"),
    "evaluate terms: data": (
        ["evaluate", "terms", "--data", "empty"],
        "cannot read the data set empty/eq_terms_summary.tsv",
    ),
    "evaluate text: data": (["evaluate", "text", "--data", "no"], "data sets 'no' does not exist"),
    "evaluate training: run": (
        ["evaluate", "training", "--audio", "music", "--data", "data", "--run", "song.wav"],
        "part of its path is a file",
    ),
    "evaluate listen: word": (
        ["evaluate", "listen", "study", "--audio", "music", "--word", "wram"],
        "did you mean 'warm'",
    ),
    "evaluate listen: audio": (["evaluate", "listen", "study", "--audio", "no", "--word", "warm"], "no does not exist"),
    "evaluate listen: study": (["evaluate", "listen", "no"], "no"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which nothing is right that a mistake names."""
    folder = tmp_path_factory.mktemp("early")
    store(folder / "song.wav", noise())
    (folder / "song.rpp").write_text('<REAPER_PROJECT 0.1 "7.0" 1\n>\n')
    (folder / "song").write_text('<REAPER_PROJECT 0.1 "7.0" 1\n>\n')
    (folder / "empty.rpp").touch()
    os.mkfifo(folder / "pipe") if hasattr(os, "mkfifo") else (folder / "pipe").mkdir()
    (folder / "text.wav").write_text("Hello, I am no audio.\n" * 9)
    for name in ("empty", "folder.wav", "music", "data", "rows", "column", "number", "binary"):
        (folder / name).mkdir()
    store(folder / "music" / "a.wav", noise())
    for name in (SETTINGS, WORDS, CONTRIBUTIONS, SPECTRA):
        (folder / "data" / name).write_text(table(name))
    (folder / "rows" / SETTINGS).write_text(table(SETTINGS).splitlines()[0] + "\n")
    (folder / "column" / SETTINGS).write_text("descriptor\nwarm\n")
    (folder / "number" / SETTINGS).write_text(table(SETTINGS))
    (folder / "number" / CONTRIBUTIONS).write_text(table(CONTRIBUTIONS).replace(",1,1", ",loud,1"))
    (folder / "binary" / SPECTRA).write_bytes(b"\xff\xfe\x00" * 50)
    (folder / "wrong.toml").write_text('[[rule]]\nword = "wram"\ntrack = "*"\n')
    (folder / "whose.toml").write_text(f'[default]\nword = "warm"\nintensity = 1\nprofile = "{"x" * 101}"\n')
    (folder / "words").mkdir()
    for name in ("words.json", "words.safetensors"):
        shutil.copy(shipped("models") / name, folder / "words")
    (folder / "reference.toml").write_text('[master]\nreference = "nope.wav"\n')
    damaged = folder / "damaged"
    damaged.mkdir()
    for model in (shipped("models") / f"{name}.{end}" for name in MODELS for end in ("json", "safetensors")):
        shutil.copy(model, damaged)
    data = bytearray((damaged / "words.safetensors").read_bytes())
    data[-1] ^= 1
    (damaged / "words.safetensors").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    """{mistake: exit code, stdout, stderr, what it loaded, files in the folder}, and the files 'before'"""
    before = sorted(os.path.join(".", path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    lines = json.dumps([arguments for arguments, _ in MISTAKES.values()])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, input=lines, capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stderr
    return {"before": before} | dict(zip(MISTAKES, map(json.loads, run.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_costs_no_torch(answers, kind):
    code, out, err, heavy, files = answers[kind]
    assert code == 2 and out == "" and MISTAKES[kind][1] in err
    assert all(line.startswith("error: ") for line in err.splitlines())
    assert heavy == []
    assert files == answers["before"]  # nothing is left in the folder


@pytest.mark.skipif(os.name == "nt", reason="POSIX rusage")
@pytest.mark.parametrize("arguments", [MISTAKES["adapt: word"][0], ["words"]], ids=" ".join)
def test_it_takes_less_than_half_of_loading_torch(folder, arguments):
    import resource

    def processor_s(*command: str) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], cwd=folder, capture_output=True)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        return now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime

    # in turn, and the least of three: a busy machine slows both, but not both at the same moment
    pairs = [(processor_s("-m", "reaper_aeq", *arguments), processor_s("-c", "import torch")) for _ in range(3)]
    ours, torch = (min(column) for column in zip(*pairs, strict=True))
    assert ours < torch / 2


@pytest.mark.parametrize("arguments", [
    ["analyze", "nope.wav"],
    ["live", "match", "nope.wav"],
    ["evaluate", "listen", "study", "--audio", "nope.wav", "--word", "warm"],
], ids=" ".join)  # fmt: skip
def test_a_file_that_is_not_there_is_told_before_the_library_that_reads_files_is_loaded(folder, arguments):
    script = "import sys; sys.modules['soundfile'] = None; from reaper_aeq.cli.main import main; main(sys.argv[1:])"
    run = subprocess.run([sys.executable, "-c", script, *arguments], cwd=folder, capture_output=True, text=True)
    assert run.stderr.startswith("error: nope.wav does not exist")


def test_words_need_no_torch(folder):
    lines = json.dumps([["words"], ["words", "--json"]])
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, input=lines, capture_output=True, text=True)
    (code, out, err, heavy, _), (_, as_json, _, more, _) = map(json.loads, run.stdout.splitlines())
    assert (code, err) == (0, "") and "warm" in out and heavy == more == []
    assert len(json.loads(as_json)["words"]) > 50


def test_every_command_is_tried():
    import typer

    from reaper_aeq.cli.main import app

    def leaves(group, path=()):
        for name, command in group.commands.items():
            yield from leaves(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]

    tried = {tuple(arguments[:2]) for arguments, _ in MISTAKES.values()}
    tried |= {tuple(arguments[:1]) for arguments, _ in MISTAKES.values()} | {("live", "word")}
    untried = {path for path in leaves(typer.main.get_command(app)) if path not in tried}
    # these two take nothing that could be wrong but a port
    assert untried <= {("live", "remove"), ("live", "setup")}
