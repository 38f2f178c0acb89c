"""Rows as well-known data sets of the hub write them, made up here; three of a kind, which differ in text."""

from __future__ import annotations

from typing import Any, NamedTuple

TOPICS = (
    "the tides of the northern sea",
    "how bread rises in a cold oven",
    "why old bridges hum in the wind",
)


class Shape(NamedTuple):
    """Rows of one kind, with the format they are in, and how many of the three can be used."""

    rows: list[dict[str, Any]]
    format: str
    usable: int = 3


def each(make: Any) -> list[dict[str, Any]]:
    """Three rows, made of three topics."""
    return [make(index, topic) for index, topic in enumerate(TOPICS)]


def _chat(topic: str, system: str = "") -> list[dict[str, Any]]:
    turns = [
        {"role": "user", "content": f"Tell me about {topic}."},
        {"role": "assistant", "content": f"Gladly: {topic} is a long story."},
    ]
    return [{"role": "system", "content": system}, *turns] if system else turns


def _shared(topic: str) -> list[dict[str, Any]]:
    return [{"from": "human", "value": f"What of {topic}?"}, {"from": "gpt", "value": f"{topic}: it is so."}]


def _pair(topic: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    chosen = _chat(topic)
    return chosen, [chosen[0], {"role": "assistant", "content": "No idea."}]


SHAPES: dict[str, Shape] = {
    "alpaca": Shape(each(lambda i, t: {
        "instruction": f"Explain {t}.", "input": "" if i else "Be brief.", "output": f"{t}, in short.",
        "text": f"Below is an instruction. ### Instruction: {t}"}), "alpaca"),
    "dolly": Shape(each(lambda i, t: {
        "instruction": f"What is {t}?", "context": "" if i else "A book says so.", "response": f"It is {t}.",
        "category": "open_qa"}), "alpaca"),
    "openorca": Shape(each(lambda i, t: {
        "id": f"cot.{i}", "system_prompt": "Be kind.", "question": f"Q: {t}?", "response": f"A: {t}."}),
        "prompt_completion"),
    "slimorca": Shape(each(lambda i, t: {
        "conversations": [{"from": "system", "value": "You help.", "weight": None},
                          {"from": "human", "value": f"{t}?", "weight": 0.0},
                          {"from": "gpt", "value": f"{t}.", "weight": 1.0}]}), "sharegpt"),
    "ultrachat": Shape(each(lambda i, t: {"id": str(i), "data": [f"{t}?", f"{t}.", "And then?", "The end."]}),
                       "messages"),
    "ultrachat_200k": Shape(each(lambda i, t: {
        "prompt": f"Tell me about {t}.", "prompt_id": f"{i:x}", "messages": _chat(t)}), "messages"),
    "no_robots": Shape(each(lambda i, t: {
        "prompt": t, "prompt_id": "p", "messages": _chat(t, "Be a pirate."), "category": "Generation"}),
        "messages"),
    "oasst_guanaco": Shape(each(lambda i, t: {"text": f"### Human: {t}?### Assistant: {t}."}), "text"),
    "oasst1": Shape(each(lambda i, t: {
        "message_id": f"m{i}", "parent_id": None if not i else "m0", "text": t, "role": "prompter",
        "lang": "en"}), "text"),
    "lima": Shape(each(lambda i, t: {"conversations": [f"{t}?", f"{t}."], "source": "wikihow"}), "messages"),
    "sharegpt_52k": Shape(each(lambda i, t: {"id": f"x_{i}", "conversations": _shared(t)}), "sharegpt"),
    "capybara": Shape(each(lambda i, t: {
        "source": "x", "conversation": [{"input": f"{t}?", "output": f"{t}."},
                                        {"input": "More?", "output": "No."}]}), "messages"),
    "lmsys": Shape(each(lambda i, t: {
        "conversation_id": str(i), "model": "m", "conversation": _chat(t), "turn": 1, "language": "English",
        "openai_moderation": [{"flagged": False}], "redacted": False}), "messages"),
    "wizard": Shape(each(lambda i, t: {"idx": f"w{i}", "conversations": _shared(t)}), "sharegpt"),
    "advertise_gen": Shape(
        each(lambda i, t: {"content": f"type#{t}", "summary": f"An ad for {t}."}), "prompt_completion"
    ),
    "advbench": Shape(each(lambda i, t: {"goal": f"Do {t}", "target": f"Sure: {t}"}), "prompt_completion"),
    "firefly": Shape(each(lambda i, t: {"kind": "x", "input": f"{t}?", "target": t}), "prompt_completion"),
    "xtuner": Shape(
        each(lambda i, t: {"conversation": [{"system": "Be kind.", "input": f"{t}?", "output": f"{t}."}]}),
        "messages",
    ),
    "swift_pretrain": Shape(each(lambda i, t: {"response": f"All of {t}."}), "text"),
    "swift_sharegpt": Shape(
        each(lambda i, t: {"system": "S", "conversation": [{"human": f"{t}?", "assistant": f"{t}."}]}),
        "messages",
    ),
    "gsm8k": Shape(each(lambda i, t: {"question": f"{t}: 3 + {i}?", "answer": f"{3 + i}\n#### {3 + i}"}),
                   "prompt_completion"),
    "metamath": Shape(each(lambda i, t: {
        "query": f"{t}: {i} + 1?", "response": f"The answer is: {i + 1}", "type": "MATH_Rephrased",
        "original_question": t}), "prompt_completion"),
    "numina": Shape(each(lambda i, t: {
        "source": "aops", "problem": f"Solve {t}.", "solution": f"{t}.", "messages": _chat(t)}), "messages"),
    "open_r1": Shape(each(lambda i, t: {
        "problem": t, "solution": f"x = {i}", "answer": str(i), "generations": ["<think>a</think>b"],
        "messages": [{"content": f"{t}?", "role": "user"},
                     {"content": f"<think>\nhm {i}\n</think>\n\n{t}.", "role": "assistant"}]}), "messages"),
    "open_thoughts": Shape(each(lambda i, t: {
        "system": "Think first.", "conversations": [
            {"from": "user", "value": f"{t}?"},
            {"from": "assistant", "value": f"<|begin_of_thought|>\n\nhm\n\n<|end_of_thought|>\n\n{t}."}]}),
        "sharegpt"),
    "reasoning_content": Shape(each(lambda i, t: {
        "messages": [{"role": "user", "content": f"{t}?"},
                     {"role": "assistant", "reasoning_content": "Let me see.", "content": f"{t}."}]}),
        "messages"),
    "medical_o1": Shape(each(lambda i, t: {
        "Question": f"{t}?", "Complex_CoT": "Hm, let me think of it.", "Response": f"{t}."}),
        "prompt_completion"),
    "squad": Shape(each(lambda i, t: {
        "id": str(i), "title": "T", "context": f"It is said that {t}.", "question": f"What of {t}?",
        "answers": {"text": [t] if i else [], "answer_start": [16] if i else []}}), "prompt_completion", 2),
    "sql_context": Shape(each(lambda i, t: {
        "answer": f"SELECT {i} FROM t", "question": f"{t}?", "context": "CREATE TABLE t (a INT)"}),
        "prompt_completion"),
    "code_alpaca": Shape(each(lambda i, t: {
        "instruction": f"Write code for {t}.", "input": "", "output": f"def f():\n    return {i}",
        "prompt": "Below is an instruction."}), "alpaca"),
    "humaneval": Shape(each(lambda i, t: {
        "task_id": f"HumanEval/{i}", "prompt": f"def f{i}():\n", "canonical_solution": f"    return {i}\n",
        "test": "assert f()", "entry_point": f"f{i}"}), "prompt_completion"),
    "mbpp": Shape(each(lambda i, t: {
        "task_id": i, "text": f"Write a function for {t}.", "code": f"def f(): return {i}",
        "test_list": ["assert f()"]}), "prompt_completion"),
    "magicoder": Shape(each(lambda i, t: {"problem": f"Do {t}.", "solution": f"x = {i}", "lang": "python"}),
                       "prompt_completion"),
    "glaive_v2": Shape(each(lambda i, t: {
        "system": "SYSTEM: You may use functions.",
        "chat": f"USER: {t}?\n\n\nASSISTANT: {t}. <|endoftext|>"}), "text"),
    "glaive_lf": Shape(each(lambda i, t: {
        "conversations": [
            {"from": "human", "value": f"{t}?"},
            {"from": "function_call", "value": '{"name": "look", "arguments": {}}'},
            {"from": "observation", "value": '{"found": 1}'},
            {"from": "gpt", "value": f"{t}."}],
        "tools": '[{"name": "look"}]'}), "sharegpt"),
    "xlam": Shape(each(lambda i, t: {
        "id": i, "query": f"{t}?", "answers": f'[{{"name": "f", "arguments": {{"x": {i}}}}}]',
        "tools": '[{"name": "f"}]'}), "prompt_completion"),
    "openai_tools": Shape(each(lambda i, t: {
        "messages": [
            {"role": "user", "content": f"{t}?"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "42"},
            {"role": "assistant", "content": f"{t}."}],
        "tools": [{"type": "function", "function": {"name": "f"}}], "parallel_tool_calls": False}),
        "messages"),
    "hermes": Shape(each(lambda i, t: {
        "id": str(i), "conversations": [
            {"from": "system", "value": "<tools>f</tools>"}, {"from": "human", "value": f"{t}?"},
            {"from": "gpt", "value": "<tool_call>f</tool_call>"},
            {"from": "tool", "value": "<tool_response>1</tool_response>"}, {"from": "gpt", "value": t}],
        "category": "x"}), "sharegpt"),
    "samsum": Shape(each(lambda i, t: {
        "id": str(i), "dialogue": f"Ann: {t}?\nBob: Yes.", "summary": f"They speak of {t}."}),
        "prompt_completion"),
    "cnn": Shape(each(lambda i, t: {"article": f"Long news of {t}.", "highlights": t, "id": str(i)}),
                 "prompt_completion"),
    "xsum": Shape(each(lambda i, t: {"document": f"Long news of {t}.", "summary": t, "id": str(i)}),
                  "prompt_completion"),
    "tinystories": Shape(each(lambda i, t: {"text": f"Once there was {t}."}), "text"),
    "wikitext": Shape([{"text": ""}, {"text": " = Tides = \n"}, {"text": " The tides are high .\n"}], "text",
                      2),
    "imdb": Shape(each(lambda i, t: {"text": f"I saw {t} and liked it.", "label": i % 2}), "text"),
    "sentences": Shape(each(lambda i, t: {"sentence": f"A film of {t}.", "label": i % 2, "idx": i}),
                       "unknown", 0),
    "ultrafeedback": Shape(each(lambda i, t: {
        "prompt": f"Tell me about {t}.", "prompt_id": str(i), "chosen": _pair(t)[0], "rejected": _pair(t)[1],
        "messages": _pair(t)[0], "score_chosen": 9.0, "score_rejected": 2.0}), "preference"),
    "trl_ultrafeedback": Shape(each(lambda i, t: {
        "chosen": _pair(t)[0], "rejected": _pair(t)[1], "score_chosen": 1.0, "score_rejected": 0.5}),
        "preference"),
    "hh_rlhf": Shape(each(lambda i, t: {
        "chosen": f"\n\nHuman: {t}?\n\nAssistant: Yes.\n\nHuman: Why?\n\nAssistant: So.",
        "rejected": f"\n\nHuman: {t}?\n\nAssistant: Yes.\n\nHuman: Why?\n\nAssistant: No."}), "preference"),
    "orca_pairs": Shape(each(lambda i, t: {
        "system": "" if i else "Be kind.", "question": f"{t}?", "chosen": f"{t}.", "rejected": "No."}),
        "preference"),
    "argilla_orca": Shape(each(lambda i, t: {
        "system": "s", "input": f"{t}?", "chosen": f"{t}.", "rejected": "No.", "status": "tie",
        "generations": ["a", "b"], "in_gsm8k_train": False}), "preference"),
    "stack_pairs": Shape(each(lambda i, t: {
        "qid": i, "question": f"{t}?", "response_j": f"{t}.", "response_k": "No.", "date": "2011"}),
        "preference"),
    "tldr_preference": Shape(each(lambda i, t: {"prompt": f"{t}\nTL;DR:", "chosen": t, "rejected": "x"}),
                             "preference"),
    "lf_ranking": Shape(each(lambda i, t: {
        "conversations": [{"from": "human", "value": f"{t}?"}],
        "chosen": {"from": "gpt", "value": t}, "rejected": {"from": "gpt", "value": "No."}}), "preference"),
    "swift_rejected": Shape(each(lambda i, t: {
        "query": f"{t}?", "response": t, "rejected_response": "No."}), "preference"),
    "kto_mix": Shape(each(lambda i, t: {
        "prompt": _chat(t)[:1], "completion": _chat(t)[1:], "label": bool(i % 2)}), "kto"),
    "lf_kto": Shape(each(lambda i, t: {"messages": _chat(t), "label": bool(i % 2)}), "kto"),
    "kto_text": Shape(each(lambda i, t: {"prompt": t, "completion": "Yes.", "label": i % 2}), "kto"),
    "verl": Shape(each(lambda i, t: {
        "data_source": "math", "prompt": _chat(t)[:1], "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "4"}, "extra_info": {"index": i}}), "prompt_only"),
    "trl_prompts": Shape(each(lambda i, t: {"prompt": _chat(t)[:1]}), "prompt_only"),
    "mt_bench": Shape(each(lambda i, t: {"question_id": i, "category": "x", "turns": [f"{t}?", "More."]}),
                      "prompt_only"),
    "stepwise": Shape(each(lambda i, t: {
        "prompt": f"{t}?", "completions": ["First.", "Then."], "labels": [True, False]}), "unknown", 0),
    "tokenized": Shape(each(lambda i, t: {
        "input_ids": [1, i], "attention_mask": [1, 1], "labels": [-100, i]}), "unknown", 0),
    "people": Shape(each(lambda i, t: {"id": i, "first_name": "Ann", "last_name": "Ott", "city": "Oslo"}),
                    "unknown", 0),
}  # fmt: skip
"""By the name of a set that looks so."""
