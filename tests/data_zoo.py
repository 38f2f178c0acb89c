"""Data sets as people have them, faults and all: each one a file that is made in a folder."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONG = "The long answer goes on and on, word after word. " * 60
VERY_LONG = LONG * 8


def chat(*turns: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **more}


def shared_gpt(*turns: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"from": role, "value": content} for role, content in turns], **more}


def lines(*rows: Any) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def listed(*rows: Any) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False, indent=1).encode()


def table(columns: list[str], *rows: list[str], tabs: bool = False) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t" if tabs else ",")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def parquet(*rows: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return sink.getvalue().to_pybytes()


ALPACA = [
    {"instruction": "Name a color.", "input": "", "output": "Blue."},
    {"instruction": "Translate.", "input": "Guten Tag 😀", "output": "Good day 😀"},
    {"instruction": "Tell a long story.", "input": "", "output": LONG},
    {"instruction": LONG, "input": LONG, "output": "Too late."},
    {"instruction": "Say nothing.", "input": "", "output": ""},
    {"instruction": "Name a color.", "input": "", "output": "Blue."},
    {"instruction": "", "input": "", "output": "An answer to nothing."},
    {"instruction": None, "input": "", "output": "lost"},
    {"instruction": "A number", "input": "", "output": 42},
    {"instruction": "A list", "input": "", "output": ["a", "b"]},
    {"instruction": "Half 😀", "input": "", "output": "\ud83d"},
]

CHATS = [
    chat(("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello.")),
    chat(("user", "One"), ("assistant", "1"), ("user", "Two"), ("assistant", "2")),
    chat(("user", "Only asked")),
    chat(("user", "One"), ("assistant", "1"), ("user", "nobody answers")),
    chat(("assistant", "Welcome!"), ("user", "Hi"), ("assistant", "Hello.")),
    chat(("user", "a"), ("user", "b"), ("assistant", "c")),
    chat(("critic", "a"), ("assistant", "c")),
    chat(("user", "x"), ("assistant", "")),
    chat(("user", "Long"), ("assistant", LONG), ("user", "Short"), ("assistant", "s")),
    {"messages": []},
    {"messages": "no list"},
    chat(("user", "<think> about it"), ("assistant", "<think>\nhm\n</think>\n\nDone.")),
]

TOOLS = [
    {
        "messages": [
            {"role": "user", "content": "Weather in Rome?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "weather", "arguments": '{"city": "Rome"}'}}],
            },
            {"role": "tool", "content": '{"celsius": 31}'},
            {"role": "assistant", "content": "31 degrees.", "weight": 1},
        ],
        "tools": [{"name": "weather", "parameters": {}}],
    },
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Parts?"}]},
            {"role": "assistant", "content": "Not this.", "weight": 0},
            {"role": "user", "content": "Again"},
            {"role": "assistant", "content": "This.", "weight": 1},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "Untrained"},
            {"role": "assistant", "content": "No.", "weight": 0},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": "x.png"}]},
            {"role": "assistant", "content": "A cat."},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "Think."},
            {"role": "assistant", "content": "4", "reasoning_content": "2 + 2"},
        ]
    },
]

SHARED_GPT = [
    shared_gpt(("human", "Hi"), ("gpt", "Hello."), system="Be kind."),
    shared_gpt(
        ("system", "S"), ("human", "Call"), ("function_call", "{}"), ("observation", "7"), ("gpt", "7.")
    ),
    shared_gpt(("human", "Hi"), ("gpt", "one"), ("human", "again"), ("gpt", "two")),
    shared_gpt(("alien", "Hi"), ("gpt", "one")),
    shared_gpt(("gpt", "nobody asked")),
]

PAIRS = [
    {"prompt": "The sky is", "completion": " blue."},
    {"prompt": "Count: ", "completion": "1 2 3"},
    {"prompt": "", "completion": "from nothing"},
    {"prompt": "x", "completion": "  "},
    {"prompt": LONG, "completion": "behind"},
    {"prompt": "end", "completion": "<|end|>"},
    {"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]},
]

QUESTIONS = [
    ["What is it?", "A pear.", "fruit"],
    ["And this?", "", "none"],
    ["Multi\nline?", 'Quoted "answer", with comma', ""],
    ["Spät?", "Ja — sehr.", "é"],
]

SETS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "alpaca": ("data.json", lambda: listed(*ALPACA[:-1])),
    "alpaca_lines": ("data.jsonl", lambda: lines(*ALPACA)),
    "alpaca_array_called_jsonl": ("data.jsonl", lambda: listed(*ALPACA[:4])),
    "alpaca_gzipped": ("data.json.gz", lambda: gzip.compress(lines(*ALPACA[:6]))),
    "alpaca_utf_16": ("data.json", lambda: listed(*ALPACA[:6]).decode().encode("utf-16")),
    "alpaca_windows": ("data.jsonl", lambda: b"\xef\xbb\xbf" + lines(*ALPACA[:6]).replace(b"\n", b"\r\n")),
    "alpaca_history": (
        "data.json",
        lambda: listed({**ALPACA[0], "system": "S", "history": [["a", "b"], ["c", "d"]]}, *ALPACA[:2]),
    ),
    "chats": ("data.jsonl", lambda: lines(*CHATS)),
    "chats_parquet": ("data.parquet", lambda: parquet(*CHATS[:9])),
    "tools": ("data.jsonl", lambda: lines(*TOOLS)),
    "shared_gpt": ("data.json", lambda: listed(*SHARED_GPT)),
    "pairs": ("data.jsonl", lambda: lines(*PAIRS)),
    "questions": ("data.csv", lambda: table(["question", "answer", "topic"], *QUESTIONS)),
    "questions_tabs": ("data.tsv", lambda: table(["question", "answer", "topic"], *QUESTIONS, tabs=True)),
    "plain_text": ("data.txt", lambda: f"One line.\n\nAnother 😀.\n{LONG}\n{VERY_LONG}\n".encode()),
    "text_column": (
        "data.jsonl",
        lambda: lines({"text": "Hello"}, {"text": ""}, {"text": LONG}, {"text": 5}),
    ),
    "query_response": ("data.jsonl", lambda: lines({"query": "a", "response": "b"}, {"query": "c"})),
    "mixed": (
        "data.jsonl",
        lambda: lines(
            ALPACA[0], CHATS[0], PAIRS[0], {"query": "q", "response": "r"}, {"x": 1}, SHARED_GPT[0]
        ),
    ),
    "numbers": (
        "data.jsonl",
        lambda: lines({"question": 1, "answer": 2.5}, {"question": True, "answer": "x"}),
    ),
    "nan": ("data.jsonl", lambda: lines(b'{"instruction": "n", "output": NaN}', ALPACA[0])),
    "one_row": ("data.jsonl", lambda: lines(CHATS[0])),
    "markers": (
        "data.jsonl",
        lambda: lines(
            chat(("user", "<|end|>"), ("assistant", "a <|assistant|> b")),
            chat(("user", "\x00\x1b[31m"), ("assistant", "\u2028 \ufffd\n")),
            chat(("user", " lead"), ("assistant", " lead and trail \n")),
        ),
    ),
}
"""Name → (name of the file, its content), all of them for supervised fine-tuning."""


def make_set(name: str, folder: Path) -> Path:
    """Write the data set `name` into `folder` and return its path."""
    file, content = SETS[name]
    path = folder / file
    path.write_bytes(content())
    return path


def shared_sets() -> list[Path]:
    """Real data sets, where the checkout has them beside it: not part of the product."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "datasets"
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
