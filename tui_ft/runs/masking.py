"""Taking out of a text what lets others in, before it is kept, shown or sent."""

from __future__ import annotations

import re

MASK = "***"
_SECRET_NAME = re.compile(
    r"(?i)(?P<name>[\w.-]*(?:(?<!pad_)(?<!eos_)(?<!bos_)(?<!unk_)(?<!mask_)(?<!sep_)(?<!cls_)token(?!s|iz|_id)"
    r"|secret|password|passwd|api[_-]?key|access[_-]?key|private[_-]?key|credential|webhook|amz-signature)[\w.-]*)"
    r"(?P<between>[\"']?\s*[=:]\s*)(?P<value>\S.*)"
)
"""To the end of the line: a password may have blanks in it. A tokenizer's marks are no secrets."""
_SECRET_VALUE = re.compile(
    r"\b(?:hf_(?=[A-Za-z]*[A-Z0-9])[A-Za-z0-9]{8,}"
    r"|(?:sk-|gh[opsu]_|github_pat_|glpat-|xox[abpr]-|AKIA|ASIA|AIza|nvapi-|r8_|gsk_|dop_v1_|rpa_)[A-Za-z0-9_-]{8,})"
)
"""By their makers' own signs; hf_transfer is a package."""
_SECRET_PLACE = re.compile(
    r"(?P<place>\bhttps?://(?:"
    r"hooks\.slack\.com/|(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/|api\.telegram\.org/(?:file/)?bot|"
    r"[\w.-]*webhook\.office\.com/|ntfy\.sh/|maker\.ifttt\.com/|hc-ping\.com/|chat\.googleapis\.com/))[^\s\"']+"
)
"""Addresses that are a secret in themselves: who knows one can write there."""
_BEARER = re.compile(r"(?i)\b(?P<kind>\bbearer|\bauthorization:\s*\w+)\s+[\w.~+/=-]{8,}")
_IN_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^/\s@]+@")
_QUERY = re.compile(r"(?P<address>\b[a-z][a-z0-9+.-]*://[^\s?#]+)[?#][^\s\"'<>)\]]+")
_QUERY_OF_PATH = re.compile(r"(?P<path>/[^\s?#]*)\?(?=[\w.%-]+=)[^\s\"'<>)\]]+")
"""What libraries say of a request that failed: `Max retries exceeded with url: /file?X-Amz-Signature=…`."""


def masked(text: str) -> str:
    """`text` without what looks like a token, a password, or an address that carries one."""
    text = _SECRET_PLACE.sub(lambda found: f"{found['place']}{MASK}", text)
    text = _IN_ADDRESS.sub(lambda found: f"{found['scheme']}{MASK}@", text)
    text = _QUERY.sub(lambda found: f"{found['address']}?{MASK}", text)
    text = _QUERY_OF_PATH.sub(lambda found: f"{found['path']}?{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found['kind']} {MASK}", text)
    text = _SECRET_VALUE.sub(MASK, text)
    return _SECRET_NAME.sub(_masked_value, text)


def is_secret_option(argument: str) -> bool:
    """True for an option whose value, the next argument, is a secret."""
    return argument.startswith("--") and bool(_SECRET_NAME.fullmatch(f"{argument}=x"))


def _masked_value(found: re.Match[str]) -> str:
    return f"{found['name']}{found['between']}{MASK}"
