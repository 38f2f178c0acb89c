"""Personal data, secrets, placeholders and marks are found, and ordinary text is left alone."""

from __future__ import annotations

import time

import pytest

from tui_ft.data.checks.personal import look_for_personal
from tui_ft.data.checks.sight import Sight
from tui_ft.data.checks.text import look_at_text
from tui_ft.data.faults import Faults
from tui_ft.data.findings import Problem


def problems(text: str, prompt: str = "Why?") -> dict[str, Problem]:
    faults = Faults()
    sight = Sight(1, {}, prompt, text)
    look_at_text(sight, faults)
    look_for_personal(sight, faults)
    return {problem.code: problem for problem in faults.problems()}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to ann.ott@harbour.no today.", "e-mail address"),
        ("Write to jane.doe@example.com.", "e-mail address"),
        ("Call +47 22 33 44 51 now.", "phone number"),
        ("Call (555) 123-4567 now.", "phone number"),
        ("Call 212-555-0187.", "phone number"),
        ("Call +1-202-555-0143.", "phone number"),
        ("电话是13812345678。", "phone number"),
        ("Card 4111 1111 1111 1234? no: 4539 1488 0343 6467.", "card number"),
        ("Card 371449635398431.", "card number"),
        ("Pay with 4111 1111 1111 1111.", "card number"),
        ("Pay with 4242424242424242.", "card number"),
        ("His number is 219-09-9999.", "social security number"),
        ("Pay to DE89 3704 0044 0532 0130 00.", "bank account"),
        ("Pay to GB82WEST12345698765432.", "bank account"),
    ],
)
def test_personal_data(text: str, kind: str) -> None:
    found = problems(text)
    assert found["personal_data"].message.endswith(f"{kind}.")
    assert "secret" not in found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AKIAIOSFODNN7QQQQQQQ", "AWS key"),
        ("sk-proj-abcdefghijklmnopqrstuvwx12345", "API key"),
        ("ghp_" + "a1B2" * 9, "GitHub token"),
        ("hf_" + "AbCdEfGhIj" * 3 + "kLmN", "Hugging Face token"),
        ("xoxb-123456789012-abcdefghij", "Slack token"),
        ("AIza" + "b" * 35, "Google key"),
        ("sk_live_" + "4" * 24, "Stripe key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n", "private key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl", "signed token"),
        ("postgres://ann:s3cretwort@db.harbour.no/ships", "password in an address"),
    ],
)
def test_secrets(text: str, kind: str) -> None:
    found = problems(f"Here: {text} .")
    assert found["secret"].message.endswith(f"{kind}.")


@pytest.mark.parametrize(
    "value",
    [
        "ann.ott@harbour.no", "+47 22 33 44 51", "4539 1488 0343 6467", "219-09-9999",
        "AKIAIOSFODNN7QQQQQQQ", "sk-proj-abcdefghijklmnopqrstuvwx12345", "ghp_" + "a1B2" * 9,
        "postgres://ann:s3cretwort@db.harbour.no/ships",
    ],
)  # fmt: skip
def test_samples_never_show_the_value(value: str) -> None:
    found = problems(f"It is {value} .")
    said = repr([(p.message, p.samples, p.fix) for p in found.values()])
    for length in range(len(value), 5, -1):
        assert value[-length:] not in said
    assert any(problem.samples for problem in found.values())


@pytest.mark.parametrize(
    "text",
    [
        "On 2023-10-12 at 12:30:45 it was 1697110000000 ms, or 1697110000.",
        "ISBN 978-3-16-148410-0, version 1.2.3-4567, 192.168.100.200, part 12-3456-789.",
        "Pi is 3.14159265358979323846, and 1,000,000,000 is a billion; 10 000 000 000 too.",
        "The ids are 5500000000000005123 and 12345678901, 16123456789 and 4111111111111112.",
        "Use @app.route, @property, logo@2x.png and git@github.com:owner/name.git.",
        "See https://user@host/path, http://localhost:8080/a@b and redis://:@localhost.",
        "task-oriented, risk-averse, a sk-learn pipeline, and hf_hub_download().",
        "The branch task-sk-learn-what-the-harbour-needs is merged.",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQ\n",
        "The 4th of 12 rooms is 23456 (of 99999-0000) at 555-1234.",
        "x = [[1, 2], [3, 4]]; y[INDEX] = 0; see [1] and [the insert]",
        "```jinja\nHello {{ user.name }}\n```",
        "\\frac{{x}}{{y}} and \\textbf{{bold}}",
        "<div>{{ title }}</div>",
        "f'{{literal}} {value}' is in def f(): pass",
        "He said <s>no</s> yes. <b>bold</b> a < b and c > d",
        "### Heading\ntext\n### Response times\nfast",
        "naïve café, Ångström, Â is a letter, Ã too; “quotes” — dashes … €",
        "line one\r\n\tindented\fnext page\u200bzero width",
        "<think>\nhm\n</think>\n\nyes",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert problems(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "a@" * 200_000, "x@" + "a-" * 200_000, "1" * 400_000, "1-" * 200_000, "1 2" * 150_000, "(" * 400_000,
        "+1 " * 150_000, "AB12" * 100_000, "{{a " * 100_000, "[INSERT " * 50_000, "://a:" * 80_000,
        "eyJ" * 130_000, "<|" * 200_000, "### " * 100_000, "sk-" * 130_000, "Ã" * 400_000, "12 " * 130_000,
        "-----BEGIN A " * 30_000 + "PRIVATE KEY-----", "a." * 200_000 + "@", "1." * 200_000,
        "AKIA" * 100_000, "+1(2)3 " * 60_000, "1A2B" * 100_000,
    ],
    ids=range(23),
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    problems(text)
    assert time.process_time() - began < 2  # some 0.4 MB: a few hundredths where nothing runs wild
