"""What lets others in does not get into files, onto screens or into messages; what explains an end does."""

from __future__ import annotations

import signal

import pytest

from tui_ft.runs.ending import Seen, judge
from tui_ft.runs.masking import masked
from tui_ft.runs.records import EndEvent
from tui_ft.runs.trainer_process import ProcessEnd

HIDDEN = (
    "OSError: cannot reach https://ada:SECRETX@host/model",
    "ValueError: s3://ada:SECRETX@minio:9000/bucket is not there",
    "HTTPError: 403 for url: https://cdn.host/file?X-Amz-Signature=SECRETX&X-Amz-Date=1",
    "ConnectionError: HTTPSConnectionPool(host='cdn.host', port=443): Max retries exceeded with url: "
    "/file?X-Amz-Expires=60&X-Amz-Signature=SECRETX (Caused by SSLError())",
    "RuntimeError: /v1/models?key=SECRETX",
    "Error: wss://host/socket?auth=SECRETX",
    "HfHubHTTPError: the token hf_SECRETXSECRETXSECRETX1 has no access",
    "ValueError: bad header {'Authorization': 'Bearer SECRETXSECRETX'}",
    "ValueError: got {'password': 'SECRETX'}",
    "ValueError: AWS_SECRET_ACCESS_KEY=SECRETX",
    "KeyError: X-Amz-Signature=SECRETX",
    "RuntimeError: AIzaSECRETXSECRETX is refused",
)

KEPT = (
    "ValueError: the tokenizer has no pad_token = None, set tokenizer.eos_token",
    "ValueError: 'hf_transfer' is not there, hf_hub_download failed",
    "ValueError: max_new_tokens=20: too many",
    "ImportError: no module named peft.tuners",
    "RuntimeError: size mismatch for lm_head.weight: [2, 3] vs [4, 5]",
    "ValueError: pad_token_id: 3 is out of range",
)


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_in_an_exception_is_not_written_down(text: str) -> None:
    assert "SECRETX" not in masked(text)
    assert masked(masked(text)) == masked(text)
    [by_word, by_output] = [
        judge(Seen(ProcessEnd(code=1), EndEvent(time=1.0, cause="error", message=text, step=1)))[1],
        judge(Seen(ProcessEnd(code=1), tail=f"Traceback\n{text}\n"))[1],
    ]
    assert "SECRETX" not in by_word.message + by_output.message
    assert by_word.message.split(":")[0] == text.split(":")[0], "what it was is still said"


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_a_little_like_one_is_kept(text: str) -> None:
    assert masked(text) == text


def test_a_password_that_the_longest_message_cuts_in_two_is_masked() -> None:
    text = "OSError: " + "x" * 470 + " https://ada:SECRETXSECRETXSECRETX@host/x"
    end = EndEvent(time=1.0, cause="error", message=text, step=1)
    assert "SECRET" not in judge(Seen(ProcessEnd(signal=signal.SIGKILL), end))[1].message
