"""Where a run comes from: git's state of a folder, and what an attempt wrote down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tui_ft.runs import git_state as room
from tui_ft.runs.directory import create
from tui_ft.runs.git_state import GitState, git_state
from tui_ft.runs.provenance import count_of, document, read_provenance, text_of
from tui_ft.runs.records import LaunchRecord, encode_document


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "deep").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_the_commit_and_whether_files_differ(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert git_state(repository) == GitState(commit, False)
    (repository / "new.txt").write_text("not tracked\n")
    assert git_state(repository / "deep") == GitState(commit, False)
    (repository / "a.txt").write_text("two\n")
    assert git_state(repository / "deep") == GitState(commit, True)


@pytest.mark.parametrize("driver", ["evil", "e=vil.x"])
@pytest.mark.parametrize("key", ["clean", "process"])
def test_no_command_of_the_repository_is_run(repository: Path, driver: str, key: str) -> None:
    ran = repository / "ran"
    with open(repository / ".git" / "config", "a") as file:
        file.write(f'[filter "{driver}"]\n\t{key} = touch {ran}; cat\n\trequired = true\n')
        file.write(f"[core]\n\tfsmonitor = touch {ran}\n")
    (repository / ".git" / "info" / "attributes").write_text(f"* filter={driver}\n")
    (repository / "a.txt").write_text("one\n")
    os.utime(repository / "a.txt", (1, 1))
    found = git_state(repository)
    assert found is not None and found.is_dirty is False
    assert not ran.exists()
    (repository / "a.txt").write_text("two\n")
    assert git_state(repository) == GitState(found.commit, True)
    assert not ran.exists()


def test_variables_that_point_elsewhere_do_not_count(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert git_state(repository) == GitState(commit, False)


def test_where_there_is_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(tmp_path) is None and git_state(tmp_path / "gone") is None
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert git_state(empty) is None
    (tmp_path / "odd" / ".git").mkdir(parents=True)
    assert git_state(tmp_path / "odd") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(empty) is None


def test_a_git_that_takes_its_time_is_not_waited_for(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase "$*" in *status*) exec sleep 30;; esac\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(room, "PATIENCE_S", 0.3)
    found = git_state(repository)
    assert found is not None and found.is_dirty is None and len(found.commit) == 40


def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(script))
    git(repository, "config", "core.hooksPath", str(tmp_path))
    for name in ("post-index-change", "pre-commit"):
        (tmp_path / name).write_text(script.read_text())
        (tmp_path / name).chmod(0o755)
    (repository / "a.txt").write_text("three\n")
    assert git_state(repository) is not None
    assert not mark.exists()


def test_what_an_attempt_wrote_down(tmp_path: Path) -> None:
    run = create(tmp_path, "x")
    bare = read_provenance(run, 1)
    assert (bare.environment, bare.data, bare.launch, bare.prediction) == ({}, {}, None, None)
    folder = run.attempt(1)
    folder.path.mkdir(parents=True)
    folder.environment.write_text('{"python": "3.11", "gpu": 3, "machine": {"cores": 2.0}}')
    folder.launch.write_bytes(encode_document(LaunchRecord(time=1.0, commit="a" * 40, is_dirty=False)))
    told = read_provenance(run, 1)
    assert told.section("machine") == {"cores": 2.0} and told.section("gpu") == {} == told.section("none")
    assert told.launch is not None and (told.launch.commit, told.launch.is_dirty) == ("a" * 40, False)
    for content in ("[1]", "{", "", "\udcff", '{"a":' * 5000):
        folder.data.write_bytes(content.encode("utf-8", "surrogateescape"))
        assert read_provenance(run, 1).data == {}
    os.mkfifo(tmp_path / "pipe")
    assert document(tmp_path / "pipe") == {}
    assert [text_of(value) for value in ("x", "", 3, True, None, [1])] == ["x", None, "3", None, None, None]
    assert [count_of(value) for value in (3, -1, True, "3", 2**64)] == [3, None, None, None, None]
