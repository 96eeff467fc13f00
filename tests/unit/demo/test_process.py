"""Servers that do not start, do not stop, or have children: nothing of them is left, and the log is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.demo.process import Daemon, ServiceFailed, end, family, marked

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_server_that_is_never_ready_is_ended_and_its_last_words_are_told(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "sulky")
    with pytest.raises(ServiceFailed, match="I will not"):
        daemon.start(["sh", "-c", "echo I will not; sleep 60"], lambda: False, seconds=0.5)
    assert daemon.pid is None
    assert marked(tmp_path) == []


def test_a_server_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceFailed, match="ended as soon as it was started"):
        Daemon(tmp_path, "short").start(["false"], lambda: False, seconds=20)
    assert time.monotonic() - began < 5


def test_a_server_that_ignores_the_polite_word_is_ended_all_the_same(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "stubborn")
    daemon.start([sys.executable, "-c", STUBBORN], lambda: "up" in (tmp_path / "stubborn.log").read_text(), seconds=10)
    pid = daemon.pid
    assert pid is not None
    daemon.stop(seconds=0.3)
    assert not running(pid)


def test_children_of_a_server_go_with_it(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "parent")
    log = tmp_path / "parent.log"
    daemon.start(["sh", "-c", "setsid sleep 60 & echo child $!; wait"], lambda: "child" in log.read_text(), seconds=10)
    child = int(log.read_text().split()[1])
    assert child in family([daemon.pid or 0])
    daemon.stop(seconds=2)
    assert not running(child)


def test_a_reused_process_id_is_not_taken_for_the_server(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "30"]) as stranger:
        (tmp_path / "server.pid").write_text(f"{stranger.pid} 1\n")
        daemon = Daemon(tmp_path, "server")
        assert daemon.pid is None
        daemon.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_what_detached_itself_is_found_by_its_mark(tmp_path: Path) -> None:
    words = ["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & echo $!"]
    pid = int(subprocess.check_output(words, env={**os.environ, "PALIER_DEMO": str(tmp_path)}))
    assert pid in marked(tmp_path)
    assert pid not in marked(tmp_path / "other")
    end(marked(tmp_path), seconds=2)
    assert not running(pid)
