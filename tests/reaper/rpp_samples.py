"""Project files of our own making for tests, in the forms that REAPER 4.5 to 7.x write."""

from __future__ import annotations

from pathlib import Path

from reaper_aeq import Band, Eq
from reaper_aeq.reaper.reaeq.instance import PLATFORM_FILES

NAME = "AEQ: warm 70%"
EQ = Eq((Band("low_shelf", 180.0, 3.1), Band("band", 2500.0, -1.25, 1.4), Band("high_shelf", 8000.0, 2.0)), -1.5)

# The factory instance of today, as the documented layout makes it.
CURRENT_STATE = """cWVlcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAAzQAAAAEAAAAAABAA
IQAAAAUAAAAAAAAAAQAAAAAAAAAAAFlAAAAAAAAA8D+amZmZmZnpPwEIAAAAAQAAAAAAAAAAwHJAAAAAAAAA8D8AAAAAAAAAQAEIAAAAAQAAAAAAAAAAQI9AAAAAAAAA
8D8AAAAAAAAAQAEBAAAAAQAAAAAAAAAAiLNAAAAAAAAA8D+amZmZmZnpPwEEAAAAAAAAAAAAAAAAAFlAAAAAAAAA8D8AAAAAAAAAQAEBAAAAAQAAAAAAAAAAAPA/AAAA
AAAAAAAAAAAAAgAAAA==
AAAQAAAA""".splitlines()


def song(
    version: str = '"7.66/linux-x86_64" 1785070350 0',
    newline: str = "\n",
    indent: str = "  ",
    final: bool = True,
    chains: bool = True,
    platform: str = "linux",
) -> bytes:
    """A folder of two tracks and a third with takes, MIDI and notes; with FX on the first and the master, or none."""
    lines = [
        f"<REAPER_PROJECT 0.1 {version}",
        "<NOTES 0 2", "|<TRACK not a track", "|>", ">",
        "SAMPLERATE 48000 1 0",
        "<RECORD_CFG", "ZXZhdxgAAQ==", ">",
        "MASTERMUTESOLO 0", "MASTER_VOLUME 0.5 0 -1 -1 1", "MASTER_FX 1", "MASTER_SEL 0",
        *(chain("MASTERFXLIST", platform) if chains else []),
        "<MASTERPLAYSPEEDENV", "ACT 0 -1", ">",
        "<TRACK {40BC5E07-BC90-1576-0196-1CCBAF05B305}",
        "NAME Drums", "VOLPAN 0.92 -0.25 -1 -1 1", "MUTESOLO 0 0 0", "IPHASE 0", "ISBUS 1 1", "FX 1",
        "TRACKID {40BC5E07-BC90-1576-0196-1CCBAF05B305}", "MAINSEND 1 0",
        *(chain("FXCHAIN", platform) if chains else []),
        ">",
        "<TRACK {7F749FEE-0076-3268-7121-D73877E47682}",
        """NAME `say "it's"`""", "VOLPAN 1 0 -1 -1 1", "MUTESOLO 1 1 0", "IPHASE 1", "ISBUS 2 -1", "NCHAN 4",
        "TRACKID {7F749FEE-0076-3268-7121-D73877E47682}", "MAINSEND 0 0",
        *(["<FXCHAIN", "SHOW 0", "LASTSEL 0", "DOCKED 0", ">"] if chains else []),
        "<FXCHAIN_REC", "SHOW 0", ">",
        "<ITEM", "POSITION 1.5", "LENGTH 4", "LOOP 0", "FADEIN 1 0.01 0 1 0 0 0", "FADEOUT 2 0.5 0 2 0 -1", "MUTE 0 0",
        "IGUID {4649097F-4D7A-B162-3144-1CC209088451}", "NAME one", "VOLPAN 0.5 0.1 -2 -1", "SOFFS 0.25",
        "PLAYRATE 1.5 1 -2 -1 0 0.0025", "CHANMODE 3", "GUID {8C66EDE7-E049-4A7A-211E-51B1F619D1F9}",
        "<SOURCE WAVE", 'FILE "Media/kick drum.wav"', ">",
        "TAKE SEL",
        "NAME two", "TAKEVOLPAN -0.5 0.8 -1", "SOFFS 0", "PLAYRATE 1 0 0 -1 0 0.0025", "CHANMODE 0",
        "<SOURCE SECTION", "LENGTH 2", "MODE 2", "STARTPOS 0.75", "OVERLAP 0.01",
        "<SOURCE FLAC", r"FILE audio\snare.flac", ">", ">",
        "TAKE NULL",
        ">",
        ">",
        "<TRACK {895CBD58-7C07-FFD1-AB59-D4EE6E1F811A}",
        "NAME Überall", "ISBUS 0 0",
        "<ITEM", "POSITION 0", "LENGTH 2", "LOOP 1", "MUTE 1 0", "NAME midi", "GUID {1}",
        "<SOURCE MIDI", "HASDATA 1 960 QN", "E 0 90 3c 60", "<X 0 0", "/wNpbnRybw==", ">", "E 480 80 3c 00", ">", ">",
        "<ITEM", "POSITION 4", "LENGTH 1", ">",
        ">",
        ">",
    ]  # fmt: skip
    return laid_out(lines, newline, indent, final)


def chain(name: str, platform: str = "linux") -> list[str]:
    """A chain with a ReaEQ of the user's own, ReaComp linked to it, and an envelope."""
    return [
        f"<{name}", "WNDRECT 24 52 655 408", "SHOW 0", "LASTSEL 1", "DOCKED 0",
        "BYPASS 1 0 0",
        f'<VST "VST: ReaEQ (Cockos)" {PLATFORM_FILES[platform]} 0 Gain '
        '1919247729<56535472656571726561657100000000> ""', *CURRENT_STATE, ">",
        'PRESETNAME "my preset"', "FLOATPOS 0 0 0 0", "FXID {609AF6D7-4E3F-AE5B-9A43-1BAF2A4198A3}",
        "<PARMENV 0:_Freq_Low_Shelf 0 1 0.5", "ACT 1 -1", ">",
        "WAK 0 0",
        "PARALLEL 1",
        "BYPASS 0 0 0",
        f'<VST "VST: ReaComp (Cockos)" reacomp.{PLATFORM_FILES[platform].partition(".")[2]} 0 "" 1919247213 ""',
        "bWNlcu9e7f4=", ">",
        "FLOATPOS 0 0 0 0", "FXID {0E3D44C9-6714-CF4D-BB8E-945D6414F9C3}",
        "<PROGRAMENV 1 0", "PARAMBASE 0", "LFO 0", "PLINK 1 0:-1 3 0", ">",
        "WAK 0 0",
        ">",
    ]  # fmt: skip


def laid_out(lines: list[str], newline: str = "\n", indent: str = "  ", final: bool = True) -> bytes:
    """Indented and ended as wanted."""
    depth, out = 0, []
    for line in lines:
        depth -= line == ">"
        out.append(indent * depth + line)
        depth += line.startswith("<")
    return (newline.join(out) + (newline if final else "")).encode()


FORMS = {
    "7.66 linux": song(),
    "6.11 windows": song('"6.11/x64" 1610621402', "\r\n", platform="windows"),
    "5.965 mac": song('"5.965/OSX64" 1547315578', "\r\n", platform="macos"),
    "4.52": song('"4.52" 1372525904', "\r\n", platform="windows"),
    "no final line end": song(final=False),
    "tabs": song(indent="\t"),
    "no indentation": song(indent=""),
    "no chains": song(chains=False),
    "no chains, crlf, no final line end": song(newline="\r\n", final=False, chains=False),
    "latin-1": song().replace("Ü".encode(), b"\xdc"),
}


def real_projects(shared_dir: Path) -> list[Path]:
    """The real project files of the team's shared data."""
    return [path for path in sorted((shared_dir / "rpp").iterdir()) if path.suffix.lower() == ".rpp"]


ITEMS, STATE_LINES = 100, 1200  # a track of a large project


def large_project(tracks: int) -> bytes:
    """As large sessions are: many items and long plug-in states; 122 tracks are 20 MB."""
    state = "\n".join(["A" * 128] * STATE_LINES)
    item = "<ITEM\nPOSITION 1\nLENGTH 2\nVOLPAN 1 0 1 -1\nPLAYRATE 1 1 0 -1\nGUID {1}\n<SOURCE WAVE\nFILE a.wav\n>\n>\n"
    fx = f'<FXCHAIN\nBYPASS 0 0 0\n<VST "VST: x" x.dll 0 "" 1\n{state}\n>\nWAK 0 0\n>\n'
    track = f"<TRACK\nNAME a\n{fx}{item * ITEMS}>\n"
    return f"<REAPER_PROJECT 0.1 7.66/win64\n{track * tracks}>\n".encode()
