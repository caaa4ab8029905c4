"""The log: closed to others, one line a message, no flood."""

import logging
import os
import stat

import pytest

from reaper_aeq.server import log as module
from reaper_aeq.server.log import LogFile, open_private


@pytest.fixture
def logger(tmp_path):
    handler, logger = LogFile(tmp_path / "backend.log"), logging.Logger("reaper_aeq.test")
    logger.addHandler(handler)
    logger.lines = lambda: (tmp_path / "backend.log").read_text(encoding="utf-8").splitlines()
    yield logger
    handler.close()


def test_what_others_called_their_files_stays_on_its_line_and_moves_no_cursor(logger):
    logger.info("task %r: %s", "vox", "a\x1b[2J\r\n2026-01-01 00:00:00,000 INFO asked to stop\x9b31m")
    (line,) = logger.lines()
    assert line.endswith(r"task 'vox': a\x1b[2J\r\n2026-01-01 00:00:00,000 INFO asked to stop\x9b31m")


def test_a_trace_is_kept_and_holds_nothing_harmful(logger):
    try:
        raise ValueError("bad \x1b]0;title\x07 name\nforged")
    except ValueError:
        logger.exception("task failed")
    head, *trace = logger.lines()
    assert head.endswith("ERROR task failed") and trace[0] == "    Traceback (most recent call last):"
    assert trace[-2:] == [r"    ValueError: bad \x1b]0;title\x07 name", "    forged"]


@pytest.mark.parametrize("n", [1, 500])
def test_one_line_a_minute_of_each_kind(logger, monkeypatch, n):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for number in range(n):
        logger.error("socket %d of '%s' failed", number, "x" * number)
        logger.warning("something else")
        logger.info("an answer")
    assert sum("ERROR" in line for line in logger.lines()) == 1
    assert sum("WARNING" in line for line in logger.lines()) == 1
    assert sum("INFO" in line for line in logger.lines()) == n  # what is asked for is no error
    now[0] += 61
    logger.error("socket %d of '%s' failed", 7, "y")
    more = f" (and {n - 1} more like it before)" if n > 1 else ""
    assert logger.lines()[-1].endswith(f"socket 7 of 'y' failed{more}")


def test_errors_of_other_places_are_other_kinds(logger):
    for error in (ValueError, KeyError, ValueError):
        try:
            raise error("no")
        except Exception:
            logger.exception("a task failed")
    assert sum("ERROR a task failed" in line for line in logger.lines()) == 2


def test_kinds_are_forgotten_in_the_end(logger):
    handler = logger.handlers[0]
    for number in range(1000):
        logger.error("kind " + "".join(chr(97 + int(digit)) for digit in str(number)))
    assert len(handler.filters[0]._kinds) <= module.MOST_KINDS


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_nobody_else_may_read_it(tmp_path):
    before = os.umask(0)
    try:
        for name in ("backend.log", "backend.log.1"):
            (tmp_path / name).write_text("older")
            (tmp_path / name).chmod(0o666)
        handler = LogFile(tmp_path / "backend.log")
        handler.emit(logging.makeLogRecord({"msg": "x" * 2_000_000, "levelno": 20, "levelname": "INFO"}))
        handler.emit(logging.makeLogRecord({"msg": "new", "levelno": 20, "levelname": "INFO"}))
        handler.close()
        open_private(tmp_path / "backend.err", "w").close()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes) >= {"backend.log", "backend.log.1", "backend.log.2", "backend.err"}
    assert set(modes.values()) == {0o600}


def test_without_a_file_handle_nothing_is_raised_and_writing_goes_on(tmp_path, monkeypatch, capsys):
    handler = LogFile(tmp_path / "backend.log")
    handler.close()
    handler.stream = None
    monkeypatch.setattr(module.os, "open", lambda *_: (_ for _ in ()).throw(OSError(24, "Too many open files")))
    handler.handle(logging.makeLogRecord({"msg": "lost", "levelno": 20, "levelname": "INFO"}))
    monkeypatch.undo()
    handler.handle(logging.makeLogRecord({"msg": "kept", "levelno": 20, "levelname": "INFO"}))
    handler.close()
    assert "kept" in (tmp_path / "backend.log").read_text() and capsys.readouterr().err == ""
