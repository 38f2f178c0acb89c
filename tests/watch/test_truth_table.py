# ruff: noqa: E501 - numbers as the other readers print them
"""What is said of real runs, against a table that was written by looking at them.

The numbers were taken by other readers: json and csv of the standard library, the event loader of
tensorboard, the messages of wandb, sqlite3; the states by reading the files.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import pytest

from tui_ft.watch import finding, report
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.reading import Reading

SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real runs of ../shared are not here")

NAN = math.nan
MANY_YEARS_LATER = 2_100_000_000.0
"""The files look fresh to a test that is run soon after they were copied; a reader of a museum knows better."""


class Curve(NamedTuple):
    """Points, first and last (step, value), lowest and highest finite value, values that are not finite."""

    points: int
    first: tuple[float, float]
    last: tuple[float, float]
    low: float | None
    high: float | None
    nonfinite: int = 0


class Truth(NamedTuple):
    """What a run is; `runs` is how many there are at the path."""

    source: str
    status: str
    step: int | None
    total: int | None
    curves: dict[str, Curve]
    restarts: int = 0
    runs: int = 1


SWAP = "SwapnilupGrad+HugginFace"
XERO = "0Xero7+slm_training"
CHAT = "480284856+RLHF_Training/applications/Chat/examples/wandb"
FINISHED = {
    "loss": Curve(60, (1, 3.9961888790130615), (60, 3.5267393589019775), 3.52074933052063, 3.9961888790130615),
    "eval_loss": Curve(6, (10, 3.566157817840576), (60, 3.539602756500244), 3.539602756500244, 3.5882608890533447),
    "grad_norm": Curve(60, (1, 1.1083534955978394), (60, 0.7251071333885193), 0.5473985075950623, 1.1083534955978394),
}  # fmt: skip
NANS = {
    "loss": Curve(60, (1, 3.980668783187866), (60, NAN), 3.980668783187866, 3.980668783187866, 59),
    "eval_loss": Curve(6, (10, NAN), (60, NAN), None, None, 6),
    "grad_norm": Curve(60, (1, 1.0982584953308105), (60, NAN), 1.0982584953308105, 1.0982584953308105, 59),
}
KILLED = {
    "loss": Curve(608, (1, 3.97297739982605), (608, 3.5652475357055664), 3.4966135025024414, 3.97297739982605),
    "grad_norm": Curve(608, (1, 1.0508930683135986), (608, 0.21869146823883057), 0.16362209618091583, 2.099005937576294),
}  # fmt: skip
KILLED_LOG = {"loss": Curve(607, (1, 3.973), (607, 3.54), 3.497, 3.973)}
BARE = {
    "loss": Curve(40, (1, 3.9882848262786865), (40, 3.581742525100708), 3.521212577819824, 3.9882848262786865),
    "eval_loss": Curve(4, (10, 3.564851760864258), (40, 3.5432496070861816), 3.5432496070861816, 3.595752716064453),
}  # fmt: skip
PRINTER_STATE = {
    "loss": Curve(20, (1, 3.9764130115509033), (20, 3.622303009033203), 3.5394058227539062, 3.9764130115509033),
}  # fmt: skip
PRINTER_EVENTS = {
    "loss": Curve(22, (1, 3.9764130115509033), (22, 3.537273645401001), 3.537273645401001, 3.9764130115509033),
    "eval_loss": Curve(2, (10, 3.554049491882324), (20, 3.5968618392944336), 3.554049491882324, 3.5968618392944336),
}  # fmt: skip
CORAL = {
    "loss": Curve(2000, (50, 2.936), (100000, 0.8333), 0.8176, 2.936),
    "eval_loss": Curve(100, (1000, 1.1868911981582642), (100000, 0.512780487537384), 0.5099794864654541, 1.1868911981582642),
    "eval_wer": Curve(100, (1000, 61.96711327649208), (100000, 24.96954933008526), 24.878197320341048, 61.96711327649208),
}  # fmt: skip
GRPO = {
    "loss": Curve(250, (1, 0.0), (250, 0.0008), 0.0, 0.0374),
    "reward": Curve(250, (1, 0.0), (250, 1.3333333730697632), -0.1420000046491623, 2.5416667461395264),
    "kl": Curve(250, (1, 0.0), (250, 0.020642109215259552), 0.0, 0.9347108602523804),
}
CHESS = {
    "loss": Curve(2400, (5, 1.123063850402832), (12000, 0.4242693424224854), 0.3966935157775879, 1.5112946510314942),
    "grad_norm": Curve(2400, (5, 0.528331458568573), (12000, 0.32494056224823), 0.2695198059082031, 130.97879028320312),
}  # fmt: skip
GLUE = {
    "loss": Curve(3, (22741, 0.308), (68223, 0.1416), 0.1416, 0.308),
    "eval_loss": Curve(3, (22741, 0.2548316419124603), (68223, 0.37517139315605164), 0.2548316419124603, 0.37517139315605164),
    "eval_f1": Curve(3, (22741, 0.8556249169876479), (68223, 0.8767633750332712), 0.8556249169876479, 0.8767633750332712),
}  # fmt: skip
ORPO = {
    "loss": Curve(33, (10, 1.0495), (330, 0.1345), 0.0598, 1.0495),
    "rewards/margins": Curve(33, (10, 0.0015738436486572027), (330, 0.002490302547812462), -0.0009386258898302913, 0.003442017827183008),
}  # fmt: skip
MEDICAL = {
    "loss": Curve(175, (10, 2.1095), (1750, 1.3171), 1.3054, 2.1095),
    "eval_loss": Curve(8, (200, 1.3824061155319214), (1600, 1.3451920747756958), 1.3451920747756958, 1.3824061155319214),
    "grad_norm": Curve(175, (10, 0.50390625), (1750, 0.162109375), 0.09375, 0.98046875),
    "tokens": Curve(175, (10, 201043.0), (1750, 34955051.0), 201043.0, 34955051.0),
}  # fmt: skip
CREATIVE_STATE = {"loss": Curve(60, (1, 2.24), (60, 2.0003), 1.7602, 2.3771)}
CREATIVE_EVENTS = {
    "loss": Curve(60, (1, 2.240000009536743), (60, 2.0002999305725098), 1.760200023651123, 2.3770999908447266),
    "grad_norm": Curve(60, (1, 0.09164037555456161), (60, 0.17605294287204742), 0.08488361537456512, 0.34802883863449097),
}  # fmt: skip
CREATIVE_WANDB = {
    "loss": Curve(59, (1, 2.24), (59, 1.8656), 1.7602, 2.3771),
    "grad_norm": Curve(59, (1, 0.09164037555456161), (59, 0.10064874589443207), 0.08488361537456512, 0.34802883863449097),
}  # fmt: skip
STEPS_0 = {
    "loss": Curve(2814, (49, 7.628580570220947), (140699, 3.565943479537964), 3.428741931915283, 7.628580570220947),
    "eval_loss": Curve(10, (14073, 4.132571697235107), (140739, 3.570486068725586), 3.570486068725586, 4.132571697235107),
}  # fmt: skip
STEPS_5 = {
    "loss": Curve(1126, (140749, 3.708270311355591), (196999, 3.913863182067871), 3.3785970211029053, 3.967078924179077),
    "eval_loss": Curve(4, (154813, 3.5629003047943115), (197035, 3.604208469390869), 3.5629003047943115, 3.604208469390869),
}  # fmt: skip
STEPS_8 = {
    "loss": Curve(
        1511, (49, 9.44075870513916), (75549, 4.575737476348877), 4.403987407684326, 9.44075870513916
    )
}
STEPS_11 = {
    "loss": Curve(
        25, (49, 9.752612113952637), (1249, 7.130679607391357), 7.130679607391357, 9.752612113952637
    )
}
EPOCHS = {
    "loss": Curve(20, (1, 7.333), (20, 4.4798), 4.4798, 7.333),
    "eval_loss": Curve(20, (1, 6.5707), (20, 5.1117), 5.1117, 6.5707),
}
TORCHTUNE = {
    "loss": Curve(40, (1, 1.9913948954978402), (40, 1.6982620508422708), 1.6455195765805504, 2.0743852985536013),
    "eval_loss": Curve(1, (40, 1.23), (40, 1.23), 1.23, 1.23),
}  # fmt: skip
CLNZ = {
    "loss": Curve(78, (0, 0.136444091796875), (77, 0.1046142578125), 0.09366607666015625, 0.1417083740234375)
}
EUCF = {"loss": Curve(1, (0, 0.29962158203125), (0, 0.29962158203125), 0.29962158203125, 0.29962158203125)}
HJC4 = {
    "loss": Curve(
        5, (0, 0.07288646697998047), (4, 0.07071495056152344), 0.07051658630371094, 0.07575702667236328
    )
}
HF = "hf_trainer_state"
TB = "tensorboard"
EVENTS = {
    "v5_finished": "v5_finished/runs/Nov21_00-08-03_vm/events.out.tfevents.1795219683.vm.26225.0",
    "v5_killed": "v5_killed/runs/Nov21_00-08-03_vm/events.out.tfevents.1795219683.vm.26222.0",
    "v5_nan": "v5_nan/runs/Nov21_00-09-20_vm/events.out.tfevents.1795219760.vm.26808.0",
    "v5_printer": "v5_printer/runs/Nov21_00-11-12_vm/events.out.tfevents.1795219872.vm.27456.0",
}
JANOSH = "janosh+tensorboard-reducer/tests/runs/strict"
FOO_1 = {
    "strict/foo": Curve(
        100, (0, 1.4962565898895264), (495, 1.212090253829956), 1.0012359619140625, 1.9970664978027344
    )
}
FOO_2 = {
    "strict/foo": Curve(
        100, (0, 2.970374584197998), (495, 2.489091396331787), 2.0177841186523438, 2.9747066497802734
    )
}
FOO_3 = {
    "strict/foo": Curve(
        100, (0, 3.521034002304077), (495, 3.3318731784820557), 3.0044257640838623, 3.994619369506836
    )
}

FILES = {
    "Miguel-Alessio+qwen-chess-lora/logs/trainer_state.json": Truth(HF, "finished", 12000, 12000, CHESS),
    "IMJONEZZ+UnslothGRPO/outputs/checkpoint-250/trainer_state.json": Truth(HF, "finished", 250, 250, GRPO),
    "Brianlov+Creative_Generation/outputs/checkpoint-60/trainer_state.json": Truth(
        HF, "finished", 60, 60, CREATIVE_STATE),
    "CoralReefFish+whisper-tiny-nbaiLab/trainer_state.json": Truth(HF, "finished", 100000, 100000, CORAL),
    f"{SWAP}/trainer_state.json": Truth(HF, "finished", 68223, 68223, GLUE),
    f"{SWAP}/checkpoint-68223/trainer_state.json": Truth(HF, "finished", 68223, 68223, GLUE),
    f"{SWAP}/checkpoint-22741/trainer_state.json": Truth(HF, "unknown", 22741, 68223, {}),
    "chandlerzuo+rlhf_recsys/outputs/trainer_state.json": Truth(HF, "finished", 336, 336, ORPO),
    "generated/v5_finished/checkpoint-60/trainer_state.json": Truth(HF, "finished", 60, 60, FINISHED),
    "generated/v5_nan/checkpoint-60/trainer_state.json": Truth(HF, "finished", 60, 60, NANS),
    "generated/v5_bare/checkpoint-40/trainer_state.json": Truth(HF, "unknown", 40, 60, BARE),
    "generated/v5_printer/checkpoint-20/trainer_state.json": Truth(HF, "unknown", 20, 60, PRINTER_STATE),
    "generated/v5_finished.log": Truth("stdout", "finished", 60, 60, {
        "loss": Curve(60, (1, 3.996), (60, 3.527), 3.521, 3.996),
        "eval_loss": Curve(6, (10, 3.566), (60, 3.54), 3.54, 3.588)}),
    "generated/v5_bare.log": Truth("stdout", "unknown", 40, 60, {
        "loss": Curve(40, (1, 3.988), (40, 3.582), 3.521, 3.988)}),
    "generated/v5_killed.log": Truth("stdout", "unknown", 608, 100000, KILLED_LOG),
    "generated/v5_nan.log": Truth("stdout", "finished", 60, 60, {
        "loss": Curve(60, (1, 3.981), (60, NAN), 3.981, 3.981, 59)}),
    "generated/v5_printer.log": Truth("stdout", "unknown", 22, None, {
        "loss": Curve(22, (1, 3.976), (22, 3.537), 3.537, 3.976)}),
    "Ariz-Mohammadi+finetuned-qwen3-medical-qlora/training.log": Truth(
        "stdout", "finished", 1755, 1755, MEDICAL),
    "WindyAlan+finetune/nohup.out": Truth("stdout", "unknown", 189, None, {
        "loss": Curve(189, (1, 0.6861569285392761), (189, 0.07570521533489227), 0.002709128661081195, 0.704055666923523)}),
    f"{XERO}/logs/2025-02-16_13_01_27.662761.log": Truth("stdout", "unknown", 20, 30, EPOCHS),
    "chandlerzuo+rlhf_recsys/outputs/trainer_log.jsonl": Truth("llamafactory", "finished", 336, 336, {
        "loss": Curve(33, (10, 1.0495), (330, 0.1345), 0.0598, 1.0495)}),
    "gi7014+SunXiaochuan-V1/trainer_log.jsonl": Truth("llamafactory", "finished", 250, 250, {}),
    f"{XERO}/lightning_logs/version_0/metrics.csv": Truth("lightning_csv", "unknown", 140739, None, STEPS_0),
    f"{XERO}/lightning_logs/version_5/metrics.csv": Truth("lightning_csv", "unknown", 197035, None, STEPS_5),
    f"{XERO}/lightning_logs/version_8/metrics.csv": Truth("lightning_csv", "unknown", 75549, None, STEPS_8),
    f"{XERO}/lightning_logs/version_11/metrics.csv": Truth("lightning_csv", "unknown", 1249, None, STEPS_11),
    "BurovDmA+llm-moderator/lightning_logs/version_0/metrics.csv": Truth("lightning_csv", "unknown", 99, None, {
        "loss": Curve(2, (49, 0.7029365301132202), (99, 0.652091920375824), 0.652091920375824, 0.7029365301132202)}),
    "generated/torchtune_log/log_1795220038.txt": Truth("torchtune", "unknown", 40, None, TORCHTUNE),
    "Brianlov+Creative_Generation/outputs/runs/Jan27_16-02-40_70a84499923a"
    "/events.out.tfevents.1737993896.70a84499923a.1900.0": Truth(TB, "finished", 60, 60, CREATIVE_EVENTS),
    f"generated/{EVENTS['v5_finished']}": Truth(TB, "finished", 60, 60, FINISHED),
    f"generated/{EVENTS['v5_killed']}": Truth(TB, "unknown", 608, 100000, KILLED),
    f"generated/{EVENTS['v5_nan']}": Truth(TB, "finished", 60, 60, NANS),
    f"generated/{EVENTS['v5_printer']}": Truth(TB, "unknown", 22, 60, PRINTER_EVENTS),
    f"{JANOSH}/run_1/events.out.tfevents.1622543341.janoshs-mbp.lan.86862.0": Truth(TB, "unknown", 495, None, FOO_1),
    f"{JANOSH}/run_2/events.out.tfevents.1622543341.janoshs-mbp.lan.86862.1": Truth(TB, "unknown", 495, None, FOO_2),
    f"{JANOSH}/run_3/events.out.tfevents.1622543341.janoshs-mbp.lan.86862.2": Truth(TB, "unknown", 495, None, FOO_3),
    f"{CHAT}/run-20230420_073822-clnzftry/run-clnzftry.wandb": Truth("wandb", "failed", 77, None, CLNZ),
    f"{CHAT}/run-20230421_071016-eucfu6fn/run-eucfu6fn.wandb": Truth("wandb", "failed", 0, None, EUCF),
    f"{CHAT}/run-20230421_071625-4hjc4zce/run-4hjc4zce.wandb": Truth("wandb", "failed", 4, None, HJC4),
    "Brianlov+Creative_Generation/wandb/run-20250127_160548-ennbpbki/run-ennbpbki.wandb": Truth(
        "wandb", "unknown", 59, 60, CREATIVE_WANDB),
    "generated/v5_finished/wandb/offline-run-20261121_000803-j0hi62zl/run-j0hi62zl.wandb": Truth(
        "wandb", "finished", 60, 60, FINISHED),
    "generated/v5_nan/wandb/offline-run-20261121_000920-vbl15i9b/run-vbl15i9b.wandb": Truth(
        "wandb", "finished", 60, 60, NANS),
    "generated/v5_killed/wandb/offline-run-20261121_000803-fw6dqv16/run-fw6dqv16.wandb": Truth(
        "wandb", "unknown", 595, 100000, {
            "loss": Curve(595, (1, 3.97297739982605), (595, 3.562544584274292), 3.4966135025024414, 3.97297739982605)}),
    "generated/v5_printer/wandb/offline-run-20261121_001112-baz8byxx/run-baz8byxx.wandb": Truth(
        "wandb", "unknown", 16, 60, {
            "loss": Curve(16, (1, 3.9764130115509033), (16, 3.6006100177764893), 3.5394058227539062, 3.9764130115509033)}),
    "generated/trackio_db/ft-demo.db": Truth("trackio", "unknown", 30, None, {
        "loss": Curve(30, (0, 2.0), (29, 0.5499999999999998), 0.5499999999999998, 2.0),
        "eval_loss": Curve(1, (30, 1.1), (30, 1.1), 1.1, 1.1),
        "bad": Curve(1, (30, NAN), (30, NAN), None, None, 1)}),
    "generated/mlflow.db": Truth("mlflow", "unknown", 0, None, {
        "loss": Curve(1, (0, 1.0), (0, 1.0), 1.0, 1.0)}, runs=2),
    "generated/mlflow.db/6621e9858ce248c1a287446ea8adf144": Truth("mlflow", "unknown", 0, None, {
        "loss": Curve(1, (0, 1.0), (0, 1.0), 1.0, 1.0)}),
    "generated/mlflow.db/4ef9815e49bb46b08f06b901f71b4685": Truth("mlflow", "finished", 19, None, {
        "loss": Curve(20, (0, 2.0), (19, 1.0499999999999998), 1.0499999999999998, 2.0),
        "eval_loss": Curve(20, (0, 3.0), (19, 1.0999999999999999), 1.0999999999999999, 3.0),
        "nan": Curve(1, (1, NAN), (1, NAN), None, None, 1),
        "inf": Curve(1, (1, math.inf), (1, math.inf), None, None, 1)}),
}  # fmt: skip
"""Each file by itself."""

FOLDERS = {
    "Miguel-Alessio+qwen-chess-lora": FILES["Miguel-Alessio+qwen-chess-lora/logs/trainer_state.json"],
    "IMJONEZZ+UnslothGRPO": Truth(HF, "finished", 250, 250, GRPO),
    "CoralReefFish+whisper-tiny-nbaiLab": Truth(HF, "finished", 100000, 100000, CORAL),
    SWAP: Truth(HF, "finished", 68223, 68223, GLUE),
    "chandlerzuo+rlhf_recsys": Truth(HF, "finished", 336, 336, ORPO),
    "gi7014+SunXiaochuan-V1": Truth("llamafactory", "finished", 250, 250, {}),
    "Ariz-Mohammadi+finetuned-qwen3-medical-qlora": Truth("stdout", "finished", 1755, 1755, MEDICAL),
    "BurovDmA+llm-moderator/lightning_logs/version_0": FILES[
        "BurovDmA+llm-moderator/lightning_logs/version_0/metrics.csv"],
    "Brianlov+Creative_Generation": Truth(TB, "finished", 60, 60, CREATIVE_EVENTS),
    "Brianlov+Creative_Generation/outputs": Truth(TB, "finished", 60, 60, CREATIVE_EVENTS),
    "generated/v5_finished": Truth("wandb", "finished", 60, 60, FINISHED),
    "generated/v5_nan": Truth("wandb", "finished", 60, 60, NANS),
    "generated/v5_killed": Truth(TB, "unknown", 608, 100000, KILLED),
    "generated/v5_printer": Truth(TB, "unknown", 22, 60, PRINTER_EVENTS),
    "generated/v5_bare": Truth(HF, "unknown", 40, 60, BARE),
    "generated/torchtune_log": Truth("torchtune", "unknown", 40, None, TORCHTUNE),
    "generated/trackio_db": FILES["generated/trackio_db/ft-demo.db"],
    JANOSH: Truth(TB, "unknown", 495, None, {}, runs=3),
    XERO: Truth("lightning_csv", "unknown", 75549, None, {}, runs=5),
    "01rahulsingh86+mlflow-groq-eval": Truth("mlflow", "finished", 0, None, {}),
    CHAT: Truth("wandb", "failed", 4, None, HJC4, runs=7),
    "generated": Truth(TB, "unknown", 608, 100000, {}, runs=9),
}  # fmt: skip
"""Whole folders: which of the sources is shown, and how many runs there are."""

NO_RUN = (
    "gradio-app+trackio",
    "CoralReefFish+whisper-tiny-nbaiLab/runs",
    "480284856+RLHF_Training/applications/Chat/examples/log.csv",
)


def read(path: Path) -> tuple[Reading, int]:
    found = finding.resolve(Path("/nowhere"), str(path), MANY_YEARS_LATER)
    source = open_run(found, lambda: MANY_YEARS_LATER, lambda paths: ())
    return report.read_whole(source), 1 + len(found.siblings)


def check(path: Path, truth: Truth) -> None:
    reading, runs = read(path)
    said = (reading.source, reading.status, reading.step, reading.total_steps, reading.restarts, runs)
    assert said == (truth.source, truth.status, truth.step, truth.total, truth.restarts, truth.runs)
    for name, curve in truth.curves.items():
        series = reading.series[name]
        low, high = series.extent() or (None, None)
        told = (len(series), series.first, series.last, low, high, series.nonfinite)
        assert str(told) == str((*curve[:1], *(tuple(map(float, at)) for at in curve[1:3]), *curve[3:])), name


@pytest.mark.parametrize("path", FILES)
def test_a_file(path: str) -> None:
    check(SHARED / path, FILES[path])


@pytest.mark.parametrize("path", FOLDERS)
def test_a_folder(path: str) -> None:
    check(SHARED / path, FOLDERS[path])


@pytest.mark.parametrize("path", NO_RUN)
def test_what_holds_no_run(path: str) -> None:
    with pytest.raises(finding.TuiFtError):
        read(SHARED / path)
