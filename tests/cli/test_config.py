"""A user's own defaults: read, and refused with one sentence where they make no sense."""

import pytest
import typer

from reaper_aeq.cli import main as cli
from reaper_aeq.cli.config import config_file, read_defaults
from reaper_aeq.errors import SettingsError

COMMAND = typer.main.get_command(cli.app)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes the file, by whose name the command line finds it."""
    path = tmp_path / "my defaults.toml"
    monkeypatch.setenv("AEQ_CONFIG", str(path))

    def write(text):
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("system", "environ", "path"),
    [
        ("linux", {"HOME": "/home/ann"}, "/home/ann/.config/reaper-aeq/config.toml"),
        ("linux", {"HOME": "/home/ann", "XDG_CONFIG_HOME": "/c"}, "/c/reaper-aeq/config.toml"),
        ("linux", {"HOME": "/home/ann", "XDG_CONFIG_HOME": "c"}, "/home/ann/.config/reaper-aeq/config.toml"),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/Library/Application Support/reaper-aeq/config.toml"),
        ("win32", {"APPDATA": "/c/R"}, "/c/R/reaper-aeq/config.toml"),
        ("linux", {"HOME": "/h", "AEQ_CONFIG": "/x.toml"}, "/x.toml"),
    ],
)
def test_where_it_lies(system, environ, path):
    assert config_file(system, environ).as_posix() == path
    assert config_file(system, environ | {"AEQ_CONFIG": "off"}) is None


def test_help_names_it(capsys, config):
    path = config("")
    assert cli.main(["--help"]) == 0
    told = "".join(capsys.readouterr().out.split())
    assert "config.toml" in told or "AEQ_CONFIG" in told or str(path) in told


def test_options_of_all_commands_of_one_and_of_groups(config):
    path = config(
        "intensity = 0.5\nmodels = '/m'\n[batch]\nintensity = 0.7\nretries = 5\n[evaluate]\nevery = 3\n"
        "[evaluate.listen]\nexcerpt = 12.0\n[train.eq]\nout = 'w'\n"
    )
    found = read_defaults(COMMAND, path)
    assert found["adapt"] == {"intensity": 0.5, "models": "/m"}
    assert found["batch"] == {"intensity": 0.7, "models": "/m", "retries": 5}
    assert found["evaluate"]["laws"] == {"models": "/m", "every": 3}
    assert found["evaluate"]["listen"] == {"intensity": 0.5, "models": "/m", "excerpt": 12.0}
    assert found["train"]["eq"] == {"out": "w"} and found["words"] == {"models": "/m"}
    assert read_defaults(COMMAND, path.with_name("absent.toml")) == {} == read_defaults(COMMAND, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("intensty = 1", "there is no option 'intensty': did you mean 'intensity'?"),
        ("[adapt]\nretries = 1", "there is no option 'retries' of 'adapt': see --help"),
        ("[adpt]\nintensity = 1", "there is no command 'adpt': did you mean 'adapt'?"),
        ("[evaluate.lisen]\nexcerpt = 1", "there is no command 'lisen' of 'evaluate': did you mean 'listen'?"),
        ("source = 'a.wav'", "there is no option 'source'"),
        ("help = true", "there is no option 'help'"),
        ("[project]\ndefault-plan = true", "there is no option 'default-plan' of 'project'"),
        ("intensity = ", "is not a file of defaults in TOML"),
        ("\xff", "is not a file of defaults in TOML"),
        ("x = " + "[" * 50_000, "is not a file of defaults in TOML"),
        ("# " + "x" * 200_000, "larger than 0.1 MB"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(config, capsys, text, sentence):
    path = config("")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError):
        read_defaults(COMMAND, path)
    assert cli.main(["words"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and sentence in err and str(path) in err and err.count("\n") == 1
    # whoever looks for help gets it
    assert cli.main(["words", "--help"]) == 0


def test_a_value_of_another_type_is_told_with_its_file(config, capsys):
    path = config("[words]\nlanguage = 'xx'\n[adapt]\nintensity = 'much'\n")
    assert cli.main(["adapt", "a.wav", "warm"]) == 2
    err = capsys.readouterr().err
    assert "--intensity must be a number" in err and f"(as {path} has it)" in err and err.count("\n") == 1


def test_they_hold_and_the_command_line_counts_more(config, capsys):
    config("language = 'es'\n")
    assert cli.main(["words", "-q"]) == 0
    assert "dulce" in capsys.readouterr().out
    assert cli.main(["words", "--language", "xx"]) == 2
    assert "no words of language 'xx'" in capsys.readouterr().err
    config("[words]\nlanguage = 'yy'\n")
    assert cli.main(["words"]) == 2 and "no words of language 'yy'" in capsys.readouterr().err


def test_a_wrong_folder_of_models_in_it_is_refused(config, capsys):
    config("models = '/nowhere/models'\n")
    assert cli.main(["words"]) == 2
    assert "/nowhere/models" in capsys.readouterr().err


def test_a_path_that_no_system_takes_is_told(monkeypatch, capsys):
    monkeypatch.setenv("AEQ_CONFIG", "/tmp/" + "a" * 300)
    assert cli.main(["words"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
