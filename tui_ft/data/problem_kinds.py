"""Every kind of fault that the check of a data set knows: its stable word, how bad it is, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tui_ft.data.findings import Severity
from tui_ft.data.unreadable import UTF8_HINT


class Kind(NamedTuple):
    """What a code means: `what` is a sentence without its stop, that stands alone; `fix` the remedy."""

    severity: Severity
    what: str
    fix: str


_CONVERT = "Mend the row, or write the usable rows: tui-ft data PATH --convert OUT.jsonl"

_FILE = {
    "missing_file": Kind("error", "The file does not exist", "Check the path."),
    "no_access": Kind("error", "The file cannot be opened", "Check its permissions."),
    "folder": Kind("error", "This is a folder, not a data file", "Name one file in it."),
    "empty_file": Kind("error", "The file is empty", "Give a file with at least one row."),
    "git_lfs_pointer": Kind(
        "error", "A git-lfs pointer stands in place of the data", "Run `git lfs pull` in its repository."
    ),
    "archive": Kind("error", "This is an archive", "Unpack it."),
    "binary": Kind("error", "This is a binary file", "Give JSON, JSONL, CSV, TSV, Parquet or text."),
    "damaged": Kind("error", "The file is damaged", "Download or write it again."),
    "not_a_data_set": Kind("error", "This is no data set", "Give the file that holds the rows."),
    "bad_evaluation": Kind("error", "The evaluation data cannot be used", "Correct --eval (data.eval)."),
}
"""Why nothing can be checked: `tui-ft data` exits 2."""

_READING = {
    "unparsable": Kind("error", "Rows that cannot be read", _CONVERT),
    "bad_utf8": Kind("error", "Rows that are not UTF-8", UTF8_HINT),
    "not_an_object": Kind("error", "Rows that are no objects", 'Every row must be an object: {"…": …}.'),
    "row_too_long": Kind("error", "Rows of more than 8 MiB", "Look for a quote or bracket left open."),
    "cut_off": Kind("error", "The file ends in the middle", "Copy or download it again."),
    "other_lists": Kind(
        "warning",
        "The file wraps other lists, which are not read",
        "Save each list of rows as a file of its own; the one to evaluate on is data.eval.",
    ),
    "wrong_extension": Kind(
        "note", "The name does not say what the file is", "It is read by its content; rename it."
    ),
    "byte_order_mark": Kind(
        "note", "The file begins with a byte order mark", "Nothing is needed: it is left out."
    ),
    "utf_16": Kind("note", "The file is in UTF-16", "Nothing is needed: it is read as such."),
    "crlf": Kind("note", "Lines end as in Windows (CRLF)", "Nothing is needed."),
    "cr_only": Kind("note", "Lines end as on old Macs (CR)", "Nothing is needed: it is read as such."),
}

_FORMAT = {
    "unknown_format": Kind(
        "error",
        "The columns are in no known format",
        "Say what they are: --columns prompt=COLUMN,completion=COLUMN",
    ),
    "tokenized": Kind(
        "error", "The data set is tokenized already", "Give it as text, before it was tokenized."
    ),
    "wrong_columns": Kind(
        "error", "The columns named are not those of the data", "Correct data.columns or data.format."
    ),
    "not_trainable_yet": Kind(
        "error",
        "This version cannot train on this format",
        "The rows were checked all the same. Give questions with answers to train with this version.",
    ),
    "no_usable_rows": Kind("error", "No row can be used", "See the other problems, and mend the rows."),
    "mixed_schemas": Kind(
        "warning",
        "Rows in another format than the first ones",
        "They are read as what they are; better keep one format in a file.",
    ),
    "mixed_types": Kind(
        "warning",
        "A column changes its type",
        "Write it the same way in every row; numbers are trained as they are written.",
    ),
    "message_tree": Kind(
        "warning",
        "Rows are single messages of conversations",
        "Join the messages of each conversation into one row.",
    ),
    "label_not_used": Kind(
        "warning",
        "The labels are not trained on",
        "Make them the answer: --columns prompt=TEXT_COLUMN,completion=LABEL_COLUMN",
    ),
    "unused_columns": Kind(
        "note", "Columns that are not trained on", "Name them in data.columns if they should be."
    ),
}

_ROW = {
    "missing_field": Kind("error", "A needed field is missing or null", "Fill it in, or delete the rows."),
    "wrong_type": Kind("error", "A field holds something else than text", "Write it as text."),
    "empty_text": Kind("error", "The text is empty", "Delete the rows."),
    "empty_answer": Kind("error", "The answer is empty", "Write the answers, or delete the rows."),
    "empty_prompt": Kind("error", "The prompt is empty", "Write the prompts, or delete the rows."),
    "unknown_role": Kind(
        "error",
        "A message has an unknown role, or none",
        "Use system, user, assistant and tool, or name yours: --columns user_tag=…,assistant_tag=…",
    ),
    "no_assistant_turn": Kind(
        "error", "A conversation has no assistant turn", "Add the answers, or delete the rows."
    ),
    "no_prompt": Kind(
        "error", "Nothing comes before the answer", "Add the questions, or train on all tokens."
    ),
    "media": Kind(
        "error", "Images, audio or video in the row", "A text model cannot learn from them: delete the rows."
    ),
    "half_character": Kind(
        "error", "Half a character (a lone surrogate)", "Write the file anew from its source, as UTF-8."
    ),
    "zero_weight": Kind(
        "error", "The data set gives the answer no weight", "Raise the weight, or delete the rows."
    ),
    "bad_label": Kind("error", "The label is neither good nor bad", "Write true or false."),
    "nothing_trained": Kind("error", "The answer has no token of its own", "Write the answers."),
    "template_refuses": Kind(
        "error",
        "The model's chat template refuses the row",
        "Look at the row with --row N; change its roles, or take another model.",
    ),
    "tokenizer_refuses": Kind(
        "error",
        "The model's tokenizer cannot read the row",
        "Look at the row with --row N; take out what is odd in it, or take another model.",
    ),
    "nothing_left": Kind(
        "warning",
        "Nothing of the answer is left after the cut",
        "Raise data.max_length, or shorten the rows.",
    ),
    "cut_rows": Kind(
        "warning", "The end of the answer is cut off", "Raise data.max_length, or shorten the rows."
    ),
    "chosen_is_rejected": Kind(
        "warning", "Chosen and rejected answer are the same", "Such a pair teaches nothing: delete the rows."
    ),
}

_CONVERSATION = {
    "broken_alternation": Kind(
        "warning",
        "User and assistant do not take turns",
        "Join neighbouring messages of one speaker; some chat templates refuse them.",
    ),
    "late_system": Kind(
        "warning",
        "A system message behind the first",
        "Put the instructions at the front; some chat templates refuse this.",
    ),
    "trailing_question": Kind(
        "note", "Conversations end without an answer", "What follows the last answer is not trained on."
    ),
    "leading_answer": Kind(
        "note", "The assistant speaks before the user", "Such a greeting is left out of training."
    ),
    "unclosed_thought": Kind(
        "warning", "A thought is not closed: <think> only", "Close it with </think>, or the model never will."
    ),
}

_CONTENT = {
    "replacement_character": Kind(
        "warning",
        "Characters lost earlier stand in the text (U+FFFD)",
        "Write the file anew from its source, in the right encoding.",
    ),
    "garbled_text": Kind(
        "warning",
        "Text read in a wrong encoding (Ã© for é)",
        "Write the file anew from its source, in the right encoding.",
    ),
    "control_characters": Kind("warning", "Control characters in the text", "Remove them."),
    "placeholder": Kind(
        "warning",
        "Placeholders that were never filled in",
        "Fill them in: the model learns to write them as they stand.",
    ),
    "template_markers": Kind(
        "warning",
        "Marks of a chat template inside the text",
        "Remove them, or give the turns as messages: the template adds its own.",
    ),
    "templated_text": Kind(
        "note",
        "The text spells a chat template itself",
        "It is trained as it stands; messages get the model's own template, and their answers are trained.",
    ),
    "personal_data": Kind(
        "warning", "What looks like personal data", "Look at the rows; remove or replace what is real."
    ),
    "secret": Kind("warning", "What looks like a password or key", "Remove it, and revoke it if it is real."),
}

_REPETITION = {
    "duplicate": Kind("warning", "Rows that repeat an earlier one exactly", "Delete the repeated rows."),
    "same_content": Kind("warning", "Rows that train what an earlier one does", "Delete the repeated rows."),
    "near_duplicate": Kind(
        "warning", "Rows that nearly repeat an earlier one", "Keep one of each, if they teach the same."
    ),
    "conflicting_answers": Kind(
        "warning",
        "The same prompt with different answers",
        "Keep the best answer, unless several are right.",
    ),
    "eval_leak": Kind(
        "warning",
        "Prompts that the evaluation asks, too",
        "Remove them from one of the two: else the evaluation flatters.",
    ),
    "repetition_not_followed": Kind(
        "note",
        "Repetitions were looked for in the first rows only",
        "The set is very large: the rest counts as new.",
    ),
}

_BALANCE = {
    "too_few_rows": Kind(
        "warning", "Fewer than 100 usable rows", "Collect more, or try examples in the prompt first."
    ),
    "few_rows": Kind(
        "note",
        "Fewer than 1,000 usable rows",
        "Keep an eye on the evaluation loss: few rows are learnt by heart.",
    ),
    "imbalance": Kind(
        "warning", "Some answers are far more frequent", "Add rows of the rare ones, or thin out the others."
    ),
}

KINDS: Mapping[str, Kind] = {
    **_FILE, **_READING, **_FORMAT, **_ROW, **_CONVERSATION, **_CONTENT, **_REPETITION, **_BALANCE,
}  # fmt: skip
"""Every code that `tui-ft data` can name, in the order of the README's table."""
