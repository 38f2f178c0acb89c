"""From a preset, a run or an edited spec to a run that goes: asks for what is missing, then launches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides, toml
from tui_ft.spec.toml_edit import rewrite
from tui_ft.tui import editor
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.download import Download, in_time
from tui_ft.tui.editing import edited
from tui_ft.tui.screens.ask import AskPath, Confirm
from tui_ft.tui.starting import StartFacts
from tui_ft.tui.text import plain
from tui_ft.user_paths import is_there, user_path

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.spec.presets import Preset
    from tui_ft.spec.run_spec import RunSpec

FACTS_WITHIN_S = 8.0
"""Later the size of a download counts as not known."""


class StartFlow:
    """One way from a key to a run. Its coroutines return the run, or None when the user left it.

    They raise `TuiFtError` for what cannot be started, and run inside a worker of `app`.
    """

    def __init__(self, app: App[Any], actions: HomeActions, say: Callable[[str], None]) -> None:
        self.app = app
        self.actions = actions
        self.say = say

    async def preset(self, preset: Preset) -> RunDirectory | None:
        """Start a preset; one without data asks for it first."""
        return await self._start(preset.spec, preset.name, preset.text)

    async def changed(self, spec: RunSpec, name: str, text: str) -> RunDirectory | None:
        """Start `spec`, which came from the spec file `text`: what a person wrote there stays as it is."""
        return await self._start(spec, name, rewrite(text, spec))

    async def restart(self, run: RunDirectory) -> RunDirectory | None:
        """Start a new run from the spec of `run`."""
        spec = await asyncio.to_thread(self.actions.read_spec, run.spec)

        def begin(changed: RunSpec) -> RunDirectory:
            if changed == spec:
                return self.actions.restart(run)
            return self.actions.start(changed, rewrite(toml.read(run.spec), changed))

        return await self._launch(spec, run.id, self._facts(spec), begin)

    async def edit(self, path: Path, name: str, *, in_place: bool) -> RunDirectory | None:
        """Open a spec in the user's editor until it is right, then start it."""
        draft = await asyncio.to_thread(lambda: editor.make_draft(path, in_place=in_place))
        try:
            before = draft.text
            spec = await edited(self.app, draft, self.actions.read_spec)
            if spec is None:
                return None
            unchanged = f"Nothing was changed. Start {name} as it is?"
            if draft.text == before and not await self._confirm(unchanged):
                return None
            return await self._start(spec, name, draft.text)
        finally:
            await asyncio.to_thread(draft.discard)

    async def completed(self, spec: RunSpec, name: str) -> tuple[RunSpec, StartFacts] | None:
        """Return `spec` with its data, which is asked for where it names none, and what is known of it."""
        facts = asyncio.create_task(self._facts(spec))
        try:
            whole = await self._with_data(spec, name, facts)
            return None if whole is None else (whole, await facts)
        finally:
            facts.cancel()

    async def _start(self, spec: RunSpec, name: str, text: str | None = None) -> RunDirectory | None:
        facts = asyncio.create_task(self._facts(spec))
        try:
            whole = await self._with_data(spec, name, facts)
            if whole is None:
                return None
            return await self._launch(whole, name, facts, lambda chosen: self.actions.start(chosen, text))
        finally:
            facts.cancel()

    async def _launch(
        self,
        spec: RunSpec,
        name: str,
        gathering: Awaitable[StartFacts],
        begin: Callable[[RunSpec], RunDirectory],
    ) -> RunDirectory | None:
        self.say(f"Starting {plain(name)} …")
        facts = await gathering
        if facts.refusal:
            raise TuiFtError(facts.refusal)
        if facts.lack and facts.step_downs:
            changed = await self.lesser(spec, f"{facts.lack} How is {name} to start?", facts)
            if changed is None:
                return None
            spec = changed
        waits = " (n, then b: it waits in the queue.)" if facts.held or facts.lack else ""
        if facts.question and not await self._confirm(
            f"{facts.question} Start {name} all the same?{waits}", facts.lines()
        ):
            return None
        return await asyncio.to_thread(begin, spec)

    async def lesser(self, spec: RunSpec, question: str, facts: StartFacts) -> RunSpec | None:
        """Ask about a run that does not fit: `spec` with a change, as it is, or None for not at all."""
        from tui_ft.tui.screens.ask_step_down import AskStepDown

        changes = await self.app.push_screen_wait(AskStepDown(question, facts.lines(), facts.step_downs))
        return None if changes is None else overrides.apply(spec, changes)

    async def _with_data(self, spec: RunSpec, name: str, facts: asyncio.Task[StartFacts]) -> RunSpec | None:
        """Ask for the data where `spec` names none; None when the user left it."""
        if spec.data.train is not None:
            return spec
        answer = await self._ask_data(spec, name, facts)
        return None if answer is None else with_data(spec, answer)

    async def _ask_data(self, spec: RunSpec, name: str, facts: asyncio.Task[StartFacts]) -> str | None:
        async def lines() -> Sequence[str]:
            return (await asyncio.shield(facts)).lines()

        async def check(answer: str) -> str:
            try:
                await asyncio.to_thread(self.actions.check, with_data(spec, answer))
            except Exception as error:  # noqa: BLE001 - shown under the answer
                return sentence(error)
            return ""

        waiting = StartFacts(model=spec.model.id or "–", method="…", gpu="…", download=Download(problem="…"))
        title = f"{name} needs data to train on"
        return await self.app.push_screen_wait(AskPath(title, lines, check, waiting.lines()))

    async def _confirm(self, question: str, facts: Sequence[str] = ()) -> bool:
        answer: bool = await self.app.push_screen_wait(Confirm(question, facts))
        return answer

    async def _facts(self, spec: RunSpec) -> StartFacts:
        """Gather the facts in time; what fails or takes too long is a fact that is not known."""
        try:
            return await in_time(
                lambda: self.actions.gather(spec), FACTS_WITHIN_S, _unknown(spec, "no answer in time")
            )
        except Exception as error:  # noqa: BLE001 - told to the user, who decides
            return _unknown(spec, sentence(error))


def _unknown(spec: RunSpec, why: str) -> StartFacts:
    return StartFacts(
        model=plain(spec.model.id or "–"),
        method="method not known yet",
        gpu="not known yet",
        download=Download(needed_bytes=None, problem=f"How much it downloads is not known: {why}"),
    )


def with_data(spec: RunSpec, answer: str) -> RunSpec:
    """Return `spec` with `answer` as its data: an absolute path where there is such a file, else a hub id."""
    path = user_path(answer)
    if is_there(path) or answer.startswith(("~", ".", "/")):
        answer = str(path.absolute())
    return msgspec.structs.replace(spec, data=msgspec.structs.replace(spec.data, train=answer))
