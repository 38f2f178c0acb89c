"""A model from a hub on this machine: what is asked of it, what is counted, and what is refused."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from training import MakeRun, events

from tui_ft.demo import paths as demo_paths
from tui_ft.runs.directory import RunDirectory
from tui_ft.train.download import choose_files

pytestmark = pytest.mark.train

PATIENCE_S = 600
"""A guard against a hang, and no measure of speed: the imports alone take minutes on a box that is busy."""
OBEYED_WITHIN_S = 120
"""The file that is on its way takes as long as the patience: whoever waited for it would be seen."""

COMMIT = "c0ffee" + "0" * 34
REPO = "somebody/tiny"


class Hub(http.server.ThreadingHTTPServer):
    """As much of the hub as a download asks for; serves the demo model as `somebody/tiny`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        folder = demo_paths.model_folder()
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.claimed_sizes: dict[str, int] = {}
        self.served: list[str] = []
        self.stalled: set[str] = set()
        self.released = threading.Event()

    def tree(self) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in self.files.items()
        ]

    def info(self) -> dict[str, Any]:
        siblings = [
            {"rfilename": name, "size": self.claimed_sizes.get(name, len(content))}
            for name, content in self.files.items()
        ]
        return {"id": REPO, "modelId": REPO, "sha": COMMIT, "siblings": siblings, "tags": []}


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        if path.startswith(f"/api/models/{REPO}/tree/"):
            self._send(json.dumps(self.server.tree()).encode(), "application/json", with_body)
            return
        if path.startswith(f"/api/models/{REPO}"):
            self._send(json.dumps(self.server.info()).encode(), "application/json", with_body)
            return
        name = path.rsplit("/", 1)[-1]
        if not path.startswith(f"/{REPO}/resolve/") or name not in self.server.files:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if REPO in path else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if with_body:
            self.server.served.append(name)
            if name in self.server.stalled:
                self.server.released.wait(PATIENCE_S)
        self._send(self.server.files[name], "application/octet-stream", with_body)

    def _send(self, body: bytes, kind: str, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def train_from(hub: Hub, run: RunDirectory, home: Path) -> int:
    """Train in a process of its own: the hub's address is read when its client is imported."""
    done = subprocess.run(
        command(run), env=environment(hub, home), capture_output=True, timeout=PATIENCE_S, text=True
    )
    sys.stderr.write(done.stdout + done.stderr)  # pytest shows it where the test fails
    return done.returncode


def environment(hub: Hub, home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    return inherited | {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": str(PATIENCE_S),  # else 10 s: our server shares the box with all the tests
        "HF_HUB_ETAG_TIMEOUT": str(PATIENCE_S),
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "127.0.0.1",
    }


def command(run: RunDirectory) -> list[str]:
    return [sys.executable, "-m", "tui_ft.train", "run", str(run.path), "--attempt", "1"]


def test_a_hub_model_is_downloaded_counted_and_trained(make_run: MakeRun, hub: Hub, tmp_path: Path) -> None:
    run = make_run(f"model.id={REPO}", "training.max_steps=2")
    assert train_from(hub, run, tmp_path / "hf") == 0, events(run, "end")
    assert "model.safetensors" in hub.served
    phases = [row["phase"] for row in events(run, "phase")]
    assert phases[:4] == ["loading libraries", "downloading", "preparing data", "loading model"]
    size = sum(len(content) for content in hub.files.values())
    counted = [row for row in events(run, "beat") if row["unit"] == "bytes"]
    assert counted[-1]["done"] == counted[-1]["total"] == size

    hub.served.clear()
    again = make_run(f"model.id={REPO}", "training.max_steps=1")
    assert train_from(hub, again, tmp_path / "hf") == 0
    assert hub.served == []  # everything was in the cache


def test_a_stop_does_not_wait_for_the_file_that_is_on_its_way(
    make_run: MakeRun, hub: Hub, tmp_path: Path
) -> None:
    hub.stalled = {"model.safetensors"}
    run = make_run(f"model.id={REPO}")
    trainer = subprocess.Popen(command(run), env=environment(hub, tmp_path / "hf"), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while "model.safetensors" not in hub.served and time.monotonic() < deadline:
            assert trainer.poll() is None, events(run, "end")
            time.sleep(0.05)
        trainer.terminate()
        assert trainer.wait(OBEYED_WITHIN_S) == 0
    finally:
        trainer.kill()
        trainer.wait()
    assert events(run, "end")[-1]["cause"] == "stopped"
    assert events(run, "phase")[-1]["phase"] == "downloading"


def test_a_download_without_room_is_refused_before_its_first_byte(
    make_run: MakeRun, hub: Hub, tmp_path: Path
) -> None:
    hub.claimed_sizes["model.safetensors"] = 10**16
    run = make_run(f"model.id={REPO}")
    assert train_from(hub, run, tmp_path / "hf") == 1
    end = events(run, "end")[-1]
    assert "GiB are free" in end["message"]
    assert hub.served == []


def test_a_model_that_is_not_on_the_hub_is_a_sentence(make_run: MakeRun, hub: Hub, tmp_path: Path) -> None:
    run = make_run("model.id=nobody/nothing")
    assert train_from(hub, run, tmp_path / "hf") == 1
    assert "nobody/nothing" in events(run, "end")[-1]["message"]


def test_only_what_a_model_is_loaded_from_is_fetched() -> None:
    sizes = dict.fromkeys(
        (
            "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            "consolidated.safetensors", "pytorch_model.bin", "onnx/model.safetensors", "README.md",
        ),
        1,
    )  # fmt: skip
    assert sorted(choose_files(sizes)) == [
        "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
    ]  # fmt: skip
    assert list(choose_files({"consolidated.safetensors": 1})) == ["consolidated.safetensors"]
