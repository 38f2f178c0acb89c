"""Telling people: what reaches them, what is tried again, and that no address ever gets out."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from post_server import Server
from settings_written import write_settings

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.after.notifying import ONCE, Message, tell_all

MESSAGE = Message(
    "demo finished", "It took 5 min, $0.25.", facts={"run": "x", "status": "finished", "spent": None}
)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda text, **options: write_settings(tmp_path, monkeypatch, text, **options)


def webhook(port: int, name: str = "team") -> str:
    return f'[notify.{name}]\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/SECRET"\n'


def test_a_webhook_gets_words_and_facts(server: Server, write: Any) -> None:
    write(webhook(server.port) + 'token = "$HOOK_TOKEN"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_TOKEN", "T0KEN")
        assert [told.problem for told in tell_all(["team"], MESSAGE)] == [""]
    [(path, headers, body)] = server.posts
    assert path == "/SECRET" and headers["Authorization"] == "Bearer T0KEN"
    assert body["text"] == body["content"] == "demo finished\nIt took 5 min, $0.25."
    assert (body["run"], body["status"]) == ("x", "finished")


def test_ntfy_gets_its_topic_in_the_body(server: Server, write: Any) -> None:
    write(f'[notify.phone]\nkind = "ntfy"\ntopic = "tüv"\nurl = "http://127.0.0.1:{server.port}"\n')
    urgent = Message("demo failed", "out of memory", True)
    assert tell_all(["phone"], urgent)[0].problem == ""
    [(path, _, body)] = server.posts
    assert path in ("", "/") and (body["topic"], body["priority"]) == ("tüv", 4)


def test_a_command_gets_the_text_and_no_shell(tmp_path: Path, write: Any) -> None:
    out = tmp_path / "out; touch bad"
    told = "sys.stdin.read()+os.environ['TUI_FT_STATUS']+os.environ['TUI_FT_SPENT']"
    script = f"import os,sys; open(sys.argv[1],'w').write({told})"
    write(f"[notify.here]\nkind = \"command\"\ncommand = '''{sys.executable} -c \"{script}\" \"{out}\"'''\n")
    assert tell_all(["here"], MESSAGE)[0].problem == ""
    assert out.read_text() == "demo finished\nIt took 5 min, $0.25.\nfinished"


def test_what_may_work_later_is_tried_again(server: Server, write: Any) -> None:
    server.answers = [(503, {}), (429, {}), (200, {})]
    write(webhook(server.port))
    assert tell_all(["team"], MESSAGE, (0.0, 0.0, 0.0))[0].problem == ""
    assert len(server.posts) == 3


def test_what_is_refused_is_not_tried_again(server: Server, write: Any) -> None:
    server.answers = [(404, {})]
    write(webhook(server.port))
    told = tell_all(["team"], MESSAGE, (0.0, 0.0))[0]
    assert "HTTP 404" in told.problem and len(server.posts) == 1


def test_no_redirect_is_followed(server: Server, write: Any) -> None:
    other = Server()
    server.answers = [(302, {"Location": f"http://127.0.0.1:{other.port}/"})]
    write(webhook(server.port))
    told = tell_all(["team"], MESSAGE, ONCE)[0]
    other.close()
    assert "elsewhere" in told.problem and other.posts == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/SECRET", "ftp://127.0.0.1/SECRET", "file:///etc/SECRET", "SECRET", "https:///SECRET",
        "https://[SECRET/", "http://127.0.0.1:99999/SECRET", "http://127.0.0.1:SECRET/", "https://h\\u0000/SECRET",
    ],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused_without_being_shown(url: str, write: Any) -> None:
    write(f'[notify.team]\nkind = "webhook"\nurl = "{url}"\n')
    told = tell_all(["team"], MESSAGE, ONCE)[0]
    assert told.problem and "SECRET" not in told.sentence


def test_nobody_there_is_a_sentence_without_the_address(write: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        write(webhook(free.getsockname()[1]))
        told = tell_all(["team"], MESSAGE, ONCE)[0]
    assert told.sentence == "team could not be told: nobody listens there."


def test_one_that_fails_keeps_no_other_back(server: Server, write: Any) -> None:
    write(webhook(server.port) + '[notify.bad]\nkind = "command"\ncommand = "/no/such/SECRET"\n')
    told = tell_all(["bad", "team", "nobody", "team"], MESSAGE, ONCE)
    assert [bool(one.problem) for one in told] == [True, False, True]
    assert "SECRET" not in str(told) and len(server.posts) == 1


def test_what_others_wrote_calls_nobody_in(server: Server, write: Any) -> None:
    write(webhook(server.port))
    tell_all(["team"], Message("<!channel>", "@everyone <@U1> " + "x" * 9999), ONCE)
    [(_, _, body)] = server.posts
    assert "<" not in body["text"] and body["allowed_mentions"] == {"parse": []} and len(body["text"]) < 2000


def test_a_variable_that_is_not_there_is_named(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    write('[notify.team]\nkind = "webhook"\nurl = "$NO_SUCH"\n')
    assert "NO_SUCH" in tell_all(["team"], MESSAGE, ONCE)[0].problem


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_settings_that_others_can_get_at_do_not_count(mode: int, write: Any) -> None:
    path = write(webhook(1), mode=mode)
    assert settings.load().notify  # prices and places still do
    with pytest.raises(TuiFtError, match="others can get at them") as raised:
        settings.private()
    assert raised.value.hint == f"`chmod 600 {path}` keeps them yours."
    assert "others can get at them" in tell_all(["team"], MESSAGE, ONCE)[0].problem


def test_settings_without_secrets_may_be_read_by_all(write: Any) -> None:
    write("price_per_hour = 2\n", mode=0o644)
    assert settings.private().price_per_hour == 2.0


@pytest.mark.parametrize(
    "text",
    [
        '[notify.team]\nkind = "webhook"\n',
        '[notify.team]\nkind = "SECRET"\n',
        '[notify.team]\nkind = "ntfy"\nurl = "https://SECRET"\n',
        '[notify.team]\nkind = "webhook"\nurl = 5\n',
        '[notify.team]\nkind = "webhook"\nurl = "https://SECRET"\ncommand = "x"\n',
        '[notify.team]\nkind = "webhook"\nurl = "https://SECRET"\nsecret = "SECRET"\n',
        '[notify."https://SECRET"]\nkind = "bell"\n',
        'notify = "SECRET"\n',
        '[notify]\nteam = "SECRET"\n',
        '[notify.team]\nkind = "command"\ncommand = "SECRET \'"\n',
        '[hooks]\nstop = "SECRET \'"\n',
        '[hooks]\nstop = ""\n',
        "[hooks]\nstop = 5\n",
        '[hooks.stop]\ncommand = "SECRET"\nat_one = true\n',
        "[hooks.stop]\nat_once = true\n",
    ],
)
def test_wrong_tables_are_sentences_that_show_no_secret(text: str, write: Any) -> None:
    write(text)
    with pytest.raises(TuiFtError, match="are wrong") as raised:
        settings.load()
    assert "SECRET" not in str(raised.value)


def test_targets_do_not_show_what_they_hold(write: Any) -> None:
    write(webhook(1) + '[hooks]\nstop = "run SECRET"\n')
    found = settings.private()
    assert "SECRET" not in f"{found} {found.notify} {found.hooks}"
    assert found.hooks["stop"].command == "run SECRET" and not found.hooks["stop"].at_once
