"""Spec files: what is read, what is written, and what is said about a bad one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import declarations, toml
from tui_ft.spec.overrides import apply
from tui_ft.spec.run_spec import (
    DataSection,
    DataSource,
    MethodSection,
    ModelSection,
    NotesSection,
    RunSpec,
    TrainingSection,
)

DEMO = RunSpec(model=ModelSection(id="demo"))


def spec_text(*lines: str) -> str:
    return "\n".join(("[model]", 'id = "demo"', *lines)) + "\n"


def refusal(*lines: str) -> TuiFtError:
    with pytest.raises(TuiFtError) as caught:
        toml.loads(spec_text(*lines), "my.toml")
    assert "$" not in str(caught.value), "a path of msgspec's reached the user"
    assert "Expected `" not in str(caught.value), "a message of msgspec's reached the user"
    return caught.value


def test_a_pipe_is_read_when_somebody_writes_it_and_not_waited_for_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml, "PIPE_PATIENCE_S", 0.2)
    pipe = tmp_path / "spec.toml"
    os.mkfifo(pipe)
    with pytest.raises(TuiFtError, match="nobody writes"):
        toml.load(pipe)
    monkeypatch.setattr(toml, "PIPE_PATIENCE_S", 20.0)
    reader, writer = os.pipe()
    os.write(writer, toml.dumps(DEMO).encode())
    os.close(writer)
    assert toml.load(Path(f"/proc/self/fd/{reader}")) == DEMO
    os.close(reader)


@pytest.mark.parametrize(
    "spec",
    [
        DEMO,
        RunSpec(model=ModelSection(id="org/x"), method=MethodSection(kind="full")),
        RunSpec(
            model=ModelSection(id="org/x"),
            method=MethodSection(quantization="nf4", double_quantization=False),
        ),
        RunSpec(model=ModelSection(id="org/x"), method=MethodSection(kind="last_layers", layers=3)),
        RunSpec(
            model=ModelSection(id='a "quoted" \\ näme'),
            data=DataSection(
                train=[
                    DataSource(path="a b", weight=0.5),
                    DataSource(path="c", columns={"prompt": "the question"}),
                ],
                columns={"prompt": "q", "completion": "an answer"},
            ),
            method=MethodSection(targets=["q_proj", "v_proj"], alpha=7),
            training=TrainingSection(learning_rate=1e-05, max_steps=7, epochs=0.5),
            notes=NotesSection(text="two\nlines # and no comment", tags=["a", "b,c"]),
        ),
    ],
    ids=["defaults", "full", "qlora", "last layers", "awkward values"],
)
def test_what_is_written_reads_back_as_the_same_spec(spec: RunSpec) -> None:
    assert toml.loads(toml.dumps(spec)) == spec


def test_a_written_spec_explains_every_field_and_leaves_unset_ones_as_comments() -> None:
    text = toml.dumps(DEMO)
    lines = text.splitlines()
    assert "# rank = 16" in lines
    assert "# learning_rate = 0.0002" in lines
    assert 'schedule = "cosine"' in lines
    assert "# Capacity of the adapter: more when it underfits. Usual: 8 to 64." in lines
    assert all(f"[{section}]" in lines for section in declarations.sections())


def test_only_keys_that_apply_are_written() -> None:
    full = toml.dumps(RunSpec(model=ModelSection(id="demo"), method=MethodSection(kind="full")))
    assert "# rank" not in full
    assert "virtual_tokens" not in full
    assert "double_quantization" not in toml.dumps(DEMO)


def test_an_uncommented_line_of_a_written_spec_is_accepted() -> None:
    """Whatever is shown behind a # is a value that the field takes."""
    for method in ("full", "last_layers", "lora"):
        text = toml.dumps(RunSpec(model=ModelSection(id="demo"), method=MethodSection(kind=method)))
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if line.startswith("# ") and " = " in line and line[2:].split(" = ")[0].isidentifier():
                changed = [*lines[:number], line[2:], *lines[number + 1 :]]
                toml.loads("\n".join(changed))


def test_qlora_is_read_as_lora_on_a_base_in_nf4() -> None:
    method = toml.loads(spec_text("[method]", 'kind = "qlora"', "rank = 8")).method
    assert (method.kind, method.quantization, method.rank) == ("lora", "nf4", 8)
    assert (
        toml.loads(spec_text("[method]", 'kind = "qlora"', 'quantization = "fp4"')).method.quantization
        == "fp4"
    )


def test_a_whole_number_will_do_for_a_fraction() -> None:
    epochs = toml.loads(spec_text("[training]", "epochs = 3")).training.epochs
    assert (epochs, type(epochs)) == (3.0, float)


@pytest.mark.parametrize("value", ["true", "1.5", '"16"', "0", "-3", "2000", "[16]", "1979-05-27"])
def test_a_value_that_will_not_do_names_field_value_bounds_and_remedy(value: str) -> None:
    error = refusal("[method]", f"rank = {value}")
    assert error.message.startswith("my.toml, line 4: method.rank = ")
    assert value.strip('"[]') in error.message
    assert "a whole number from 1 to 1,024" in error.message
    assert "Usual: 8 to 64. For example rank = 16." in error.hint


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    assert "training.max_grad_norm" in refusal("[training]", f"max_grad_norm = {value}").message


@pytest.mark.parametrize(
    ("lines", "message", "hint"),
    [
        (["[method]", "rnak = 3"], 'line 4: method has no field "rnak".', "Did you mean method.rank?"),
        (["[modle]", 'id = "x"'], 'There is no section "modle".', "Did you mean [model]?"),
        (["[method]", "learning_rate = 1"], "no field", "Did you mean training.learning_rate?"),
        (["[method]", "xyzzy = 1"], "no field", "[method] has kind, rank"),
        (["[method]", 'kind = "lroa"'], 'method.kind = "lroa" will not do', 'Did you mean "lora"?'),
        (["[model.method]", "rank = 1"], 'model has no field "method"', "[model] has id"),
        (["[data]", 'train = [{ pth = "x" }]'], 'data.train has no "pth"', "Did you mean path?"),
        (["[tracking]", 'report_to = ["wand"]'], '["wand"]', "For example"),
        (["[hardware]", "gpus = 0"], "hardware.gpus = 0", 'gpus = "auto"'),
        (["[hardware]", "gpus = [0, 0]"], "name each GPU once", "[0]"),
    ],
)
def test_a_wrong_name_or_value_is_answered_with_the_nearest_one(
    lines: list[str], message: str, hint: str
) -> None:
    error = refusal(*lines)
    assert message in error.message
    assert hint in error.hint


def test_a_field_at_the_top_is_sent_to_its_section() -> None:
    with pytest.raises(TuiFtError) as caught:
        toml.loads('rank = 3\n[model]\nid = "demo"\n')
    assert "rank belongs below [method]" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x =", "line 3: a value is missing or is no TOML. Text needs quotes"),
        ("x = demo", "line 3: a value is missing or is no TOML. Text needs quotes"),
        ('x = "demo', "line 3: a text does not end. Close its quotes"),
        ('id = "x"', "line 3: this name is given twice. Keep one"),
        ("[model]", "line 3: this section begins twice."),
        ("x = 1 2", "line 3: something follows the value."),
        ("x = [1", "a bracket is not closed. Close it"),
        ("x", 'line 3: a name without "=".'),
        ('x = "a\\q"', "line 3: a backslash that TOML does not know."),
    ],
)
def test_a_fault_in_the_toml_is_a_sentence_with_its_line(line: str, says: str) -> None:
    assert str(refusal(line)).startswith(("my.toml, line 3: ", "my.toml, line 4: "))
    assert says in str(refusal(line))


@pytest.mark.parametrize("value", ["9" * 5000, "0x" + "f" * 5000, "[" * 3000 + "]" * 3000, "9" * 40, "1e999"])
def test_a_monstrous_value_is_refused_like_any_other(value: str) -> None:
    error = refusal("[method]", f"rank = {value}")
    assert len(error.message) < 200
    with pytest.raises(TuiFtError):
        apply(DEMO, [f"method.rank={value}"])


@pytest.mark.parametrize(
    "secret",
    [
        "hf_abcdefghijklmnopqrstuvwx",
        "sk-proj-abcdefghijklmnopqrstuv",
        "ghp_abcdefghijklmnopqrstuv",
        "https://user:word@host/x",
        "https://hooks.slack.com/services/T/B/x",
    ],
)
def test_a_secret_is_refused_without_being_repeated(secret: str) -> None:
    error = refusal("[notes]", f'text = "my {secret}"')
    assert "notes.text holds what looks like" in error.message
    assert secret not in str(error)


@pytest.mark.parametrize(
    "line", ["text = hf_abcdefghijklmnopqrstuvwx", 'text = "hf_abcdefghijklmnopqrstuvwx']
)
def test_a_line_that_is_no_toml_is_not_quoted(line: str) -> None:
    assert "hf_" not in str(refusal("[notes]", line))


@pytest.mark.parametrize("place", ['text = "\\u001b]0;x"', 'name = "\\u009b31m"', '"na\\u001bme" = 1'])
def test_control_characters_never_reach_the_terminal(place: str) -> None:
    error = refusal("[notes]", place)
    assert "\x1b" not in str(error)
    assert "\x9b" not in str(error)


def test_a_spec_without_a_model_says_so() -> None:
    with pytest.raises(TuiFtError, match=r"model\.id is missing"):
        toml.loads("")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    cases = {
        "absent.toml": None,
        "latin.toml": b'[notes]\ntext = "\xe9"\n',
        "big.toml": b"#" * (toml.LARGEST_BYTES + 1),
    }
    expected = {
        "absent.toml": "No such file",
        "latin.toml": "line 2: not UTF-8",
        "big.toml": "larger than 1 MiB",
    }
    for name, content in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(TuiFtError) as caught:
            toml.load(path)
        assert name in caught.value.message
        assert expected[name] in caught.value.message
    with pytest.raises(TuiFtError, match="cannot be read"):
        toml.load(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + spec_text("[method]", "rank = 8").replace("\n", "\r\n").encode())
    assert toml.load(path).method.rank == 8
