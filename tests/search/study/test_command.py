"""The command line: outputs, exit codes, and one clear line for every bad input."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from kbn.errors import visible
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.settings.execution import Execution
from search.settings.setting import flag
from search.settings.spec import StudySpec
from search.study.closing import shortcomings, summary
from search.study.command import main
from search.study.study import Study
from search.training.checkpoint import Start
from search.training.trainer import Shared, train_trials
from tests.reports.coarse_fine.points import BATCHES, TWO, searched
from tests.reports.records import (
    DIVERGED,
    DIVERGED_AT_ONCE,
    FAILED,
    Ending,
    by_lambda,
    final,
    good,
    study,
)
from tests.search.drivers import NAME
from tests.search.studies import FLAGS, TRIALS

SHOWN = (".md", ".html", ".csv")


def call(*arguments: str | Path) -> int:
    """Run the driver's command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(LambdaSearch, [str(argument) for argument in arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_a_run_says_what_it_found_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outcome on standard output, one line a finished trial on standard error."""
    assert call(*FLAGS, "--serial", "--out", tmp_path) == 0
    out, err = capsys.readouterr()
    report = tmp_path / "lambda-coarse-fine-digits" / "report.md"
    assert out.splitlines()[-1] == f"report: {report}"
    assert report.exists()
    assert "is chosen" in out
    assert "test accuracy" in out
    lines = [line for line in err.splitlines() if line.startswith("[")]
    assert [line.split()[0] for line in lines] == [f"[{n}/{TRIALS}]" for n in range(1, TRIALS + 1)]
    assert err.splitlines()[-1] == "all trials have ended; the report is being written"


def test_quiet_prints_the_report_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard output, none on standard error."""
    assert call(*FLAGS, "--serial", "--quiet", "--out", tmp_path) == 0
    out, err = capsys.readouterr()
    assert out == f"report: {tmp_path / 'lambda-coarse-fine-digits' / 'report.md'}\n"
    assert err == ""


def test_flags_win_over_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--spec` takes settings and execution; a flag beside it wins."""
    spec = tmp_path / "spec.toml"
    spec.write_text(
        f'data = "digits"\nhidden = [8]\nepochs = 3\nfinal-epochs = 4\ncoarse = "1e-3,1e-2"\n'
        f'out = "{tmp_path}"\nserial = true\nname = "mine"\n'
    )
    assert call("--spec", spec, "--epochs", "5", "--dry-run") == 0
    out = capsys.readouterr().out
    assert f"study {tmp_path / 'mine'} on" in out
    rows = {line.split()[0]: line.split()[1:4] for line in out.splitlines() if line.split()}
    assert rows["coarse"] == ["2", "5", "10"]
    assert rows["final"] == ["1", "4", "4"]


def test_a_dry_run_trains_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints trials, epochs, memory and time, and warns of runs that end in mid-cycle."""
    assert (
        call(*FLAGS, "--cycle=3epochs", "--final-epochs=4", "--dry-run", "--out", tmp_path / "runs")
        == 0
    )
    out = capsys.readouterr().out
    for expected in ("trials: ", "epochs: ", "memory: ", "time: about ", "warning: "):
        assert expected in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_finished_study_times_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every stage is done as it was asked for; nothing is trained, not even for its time."""
    assert call(*FLAGS, "--serial", "--quiet", "--out", tmp_path) == 0
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    monkeypatch.delattr("search.study.estimate.train_trial")
    assert call(*FLAGS, "--serial", "--dry-run", "--out", tmp_path) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:5] for line in out.splitlines() if line.split()}
    assert rows["coarse"] == ["2", "3", "6", "2"]
    assert rows["fine"] == ["1", "3", "3", "1"]
    assert rows["final"] == ["1", "3", "3", "1"]
    assert "trials: 4 (4 done), epochs: 12 (12 done)" in out
    assert "time: nothing is left to train; the same command writes the report again" in out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_a_dry_run_times_what_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped study has its final model before it; with --overwrite, all of it."""

    def stopped(shared: Shared, starts: tuple[Start, ...]) -> object:
        if starts[0].trial.with_test:
            raise KeyboardInterrupt
        return train_trials(shared, starts)

    monkeypatch.setattr("search.running.workers.train_trials", stopped)
    monkeypatch.setattr("search.study.forecast.seconds_per_epoch", lambda *_: 60.0)
    assert call(*FLAGS, "--serial", "--quiet", "--out", tmp_path) == 130
    for flags, minutes in (([], 3), (["--overwrite"], 12)):
        capsys.readouterr()
        assert call(*FLAGS, "--serial", "--dry-run", "--out", tmp_path, *flags) == 0
        out = capsys.readouterr().out
        assert f"time: about 0:{minutes:02}:00 with 1 at once" in out
        assert ("trials: 4 (3 done), epochs: 12 (9 done)" in out) is (not flags)


def test_a_dry_run_looks_at_each_point_s_own_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Warnings, time and memory are those of the cycles and widths that are varied."""

    def said(*words: str) -> str:
        settings = ["--data", "synthetic:300", "--serial", "--dry-run", "--out", str(tmp_path)]
        with pytest.raises(SystemExit):
            main(CoarseFine, [*words, *settings])
        return capsys.readouterr().out

    # Whole cycles of 3 and 4 epochs are none of the default, which is 10.
    assert "warning" not in said("--vary", "cycle=3,4", "--hidden=4")
    assert said("--vary", "epochs=20,25", "--hidden=4").count("warning: ") == 1
    wide = said("--vary", "hidden=4/2000")
    assert "an epoch, timed here on a few steps of 2 throw-away networks" in wide
    assert "; of that the weights of the largest network, 2000, take " in wide


def test_a_dry_run_of_a_rising_rate_warns_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rate of a range test does not come back: no length of it ends in mid-cycle."""
    with pytest.raises(SystemExit):
        main(RangeTest, ["--data=synthetic:300", "--hidden=4", "--dry-run", f"--out={tmp_path}"])
    assert "warning" not in capsys.readouterr().out


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Each field of the specification and of the execution is a flag with a help text."""
    assert call("--help") == 0
    out = capsys.readouterr().out
    for settings in (LambdaSearch, Execution):
        for field in dataclasses.fields(settings):
            assert flag(field.name) in out
            assert field.metadata["help"]
    assert "--spec" in out


@pytest.mark.parametrize("spec_type", [CoarseFine, LossEvolution, Paper, RangeTest, SigmaBatchNorm])
def test_help_names_no_flag_of_another_command(
    spec_type: type[StudySpec], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each flag that a command's help speaks of is its own, and no default is empty."""
    with pytest.raises(SystemExit):
        main(spec_type, ["--help"])
    out = capsys.readouterr().out
    fields = [*dataclasses.fields(spec_type), *dataclasses.fields(Execution)]
    own = {flag(field.name) for field in fields}
    own |= {flag(f"no_{field.name}") for field in fields} | {"--help", "--spec"}
    assert set(re.findall(r"--[a-z][a-z-]*[a-z]", out)) <= own
    assert "[default: ]" not in out


def test_a_search_says_which_point_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the axes that were varied, and by no other setting."""
    vary = ["--vary", "eta_max=0.05,0.1", "--vary", "batch_norm=yes,no"]
    brief = ["--epochs", "1", "--final-epochs", "1", "--fresh", "0", "--replicate-top", "off"]
    data = ["--data", "synthetic:200", "--batch-size", "20", "--cycle", "1", "--fine", "zoom:1"]
    with pytest.raises(SystemExit):
        main(CoarseFine, [*vary, *brief, *data, "--serial", "--out", str(tmp_path)])
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "is chosen" in x)
    assert re.match(r"η_max = \S+, batch norm = (yes|no) is chosen", line)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("batch_size=20,150", "cycle=1,2"), ("1epochs", "batches of 150", "180 images")),
        (("batch_size=20,500",), ("500", "at most 180")),
        (("hidden=1000000000/5",), ("1000000000", "narrower layers")),
    ],
)
def test_axes_that_do_not_fit_the_data_or_the_machine(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    """The worst of the values that are varied is refused in a line; nothing is written."""
    vary = [word for each in given for word in ("--vary", each)]
    with pytest.raises(SystemExit) as exit_:
        main(CoarseFine, [*vary, "--data", "synthetic:200", "--serial", "--out", str(tmp_path)])
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words), line
    assert not list(tmp_path.iterdir())


def test_a_varied_batch_size_may_be_all_that_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default batch, which is not trained with, is larger than the training set."""
    vary = ["--vary", "batch_size=10,20", "--data", "synthetic:100", "--hidden", "4"]
    with pytest.raises(SystemExit) as exit_:
        main(CoarseFine, [*vary, "--dry-run", "--serial", "--out", str(tmp_path)])
    assert exit_.value.code == 0
    assert "batch = 10, 20" in capsys.readouterr().out


def test_a_failing_trial_gives_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study ends, its failures are named, and the exit code tells a script."""

    def failing(shared: Shared, starts: tuple[Start, ...]) -> object:
        if starts[0].trial.lam == 1e-3:
            raise RuntimeError("no luck")
        return train_trials(shared, starts)

    monkeypatch.setattr("search.running.workers.train_trials", failing)
    assert call(*FLAGS, "--serial", "--out", tmp_path) == 1
    out, err = capsys.readouterr()
    assert f"1 of {TRIALS} trials failed" in out
    assert "RuntimeError: no luck" in err


@pytest.mark.parametrize("quiet", [True, False])
def test_a_study_of_which_nothing_came_is_no_success(
    *, quiet: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every trial diverged: an exit code of its own, and a line whatever is asked for."""
    flags = (*FLAGS, "--eta-max=1e30", "--serial", "--out", tmp_path)
    assert call(*flags, *(["--quiet"] if quiet else [])) == 6
    out, err = capsys.readouterr()
    line = "no trial completed: 2 diverged; try a smaller --eta-max\n"
    assert line in (err if quiet else out)
    assert out.endswith(f"report: {tmp_path / NAME / 'report.md'}\n")


def test_the_lines_that_end_a_run_are_the_experiment_s(tmp_path: Path) -> None:
    """They name what was chosen by what was varied, and λ where it was λ."""
    chosen = next(iter(summary(Study(searched(tmp_path, TWO)), quiet=False)))
    assert chosen == "η_max = 0.1, λ = 1e-2 is chosen; see the report's decisions"
    chosen = next(iter(summary(Study(searched(tmp_path, BATCHES)), quiet=False)))
    assert chosen == "batch = 30 is chosen; see the report's decisions"
    nothing = Study(searched(tmp_path, TWO, lambda _: DIVERGED))
    assert "no point completed: there is no final model" in summary(nothing, quiet=False)


def test_what_a_study_lacks(tmp_path: Path) -> None:
    """Failed trials are said, and a final model that diverged; others that diverged are not."""
    endings = {
        "done": (good, []),
        "one diverged": (by_lambda({1e-3: DIVERGED}), []),
        "the final model diverged": (final(DIVERGED), [6]),
        "one failed": (by_lambda({1e-3: FAILED}, final(DIVERGED)), [1]),
        "all failed": (lambda _: FAILED, [1]),
        "all diverged": (lambda _: DIVERGED, [6]),
    }
    for name, (ending, codes) in endings.items():
        lacking = Study(study(tmp_path, ending))
        assert [code for code, _ in shortcomings(lacking)] == codes, name


@pytest.mark.parametrize(("ending", "codes"), [(DIVERGED, []), (DIVERGED_AT_ONCE, [6])])
def test_a_range_test_is_meant_to_diverge(tmp_path: Path, ending: Ending, codes: list[int]) -> None:
    """Not in its first epoch: then there is no learning rate to suggest."""
    tested = Study(study(tmp_path, lambda _: ending, search=RangeTest(data="digits")))
    assert [code for code, _ in shortcomings(tested)] == codes


def test_what_others_say_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a failure's message, in the log, the report, its page and the tables, all can be read."""

    def failing(shared: Shared, starts: tuple[Start, ...]) -> object:
        if starts[0].trial.lam == 1e-3:
            raise RuntimeError("\x1b[2J\x1b]0;mine\x07 half \ud800, \u202eturned")
        return train_trials(shared, starts)

    monkeypatch.setattr("search.running.workers.train_trials", failing)
    assert call(*FLAGS, "--serial", "--out", tmp_path) == 1
    err = capsys.readouterr().err
    folder = tmp_path / "lambda-coarse-fine-digits"
    texts = [err, *(path.read_text() for path in folder.iterdir() if path.suffix in SHOWN)]
    assert len(texts) == 6
    assert all(visible(text) == text for text in texts)
    shown = r"\x1b[2J\x1b]0;mine\x07 half \ud800, \u202eturned"
    assert shown in err
    assert shown in (folder / "report.md").read_text()


def test_another_specification_under_the_same_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The differences are shown; nothing of the old study changes; --overwrite replaces it."""
    flags = (*FLAGS, "--serial", "--quiet", "--name=one", "--out", tmp_path)
    assert call(*flags) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "one").rglob("*.*") if path.is_file()}
    capsys.readouterr()
    assert call(*flags, "--seed=3") == 2
    err = capsys.readouterr().err
    assert "seed 0 → 3" in err
    assert "--overwrite" in err
    assert {path: path.read_bytes() for path in before} == before
    assert call(*flags, "--seed=3", "--overwrite") == 0


BAD = {
    "unknown data": (["--data=cifar"], "data cifar", "cifar10"),
    "no such folder": (["--data=cifar10", "--data-dir=/no/where"], "/no/where", "data_dir"),
    "no such file": (["--data=npz:/no/file.npz"], "/no/file.npz", "does not exist"),
    "too few images": (["--data=synthetic:9"], "synthetic:9", "at least 100"),
    "batch too large": (["--batch-size=99999"], "99999", "at most"),
    "seed too large": ([f"--seed={2**64 - 1}"], str(2**64 - 1), f"at most {2**63 - 1}"),
    "epochs without end": (["--epochs=1e18"], "--epochs 1e18", "whole"),
    "more epochs than years": ([f"--epochs={10**18}"], f"--epochs {10**18}", f"at most {10**9}"),
    "more units than memory": ([f"--hidden={10**20}"], str(10**20), f"at most {10**9}"),
    "λ of no weight": (["--coarse=1e-300,1e-3"], "--coarse 1e-300", "at least 1e-30"),
    "λ beyond all numbers": (["--coarse=1e-3,1e300"], "--coarse 1e300", "at most 1e30"),
    "rate beyond all numbers": (["--eta-max=1e300"], "--eta-max 1e300", "at most 1e30"),
    "σ of no weight": (["--init=normal:1e-300"], "--init 1e-300", "at least 1e-30"),
    "batch of one": (["--batch-size=1"], "--batch-size 1", "at least 2"),
    "no validation images": (["--validation=0"], "--validation 0", "above 0"),
    "validation too large": (["--validation=5000"], "5000", "from 1 to"),
    "zero λ alone": (["--coarse=0"], "--coarse", "above it"),
    "negative λ": (["--coarse=-1e-3"], "--coarse", "above 0"),
    "λ twice": (["--coarse=1e-3,0.001"], "--coarse", "twice"),
    "no λ": (["--coarse="], "--coarse", "at least one"),
    "λ is a word": (["--coarse=big"], "--coarse", "big"),
    "no hidden layers": (["--hidden="], "--hidden", "at least one"),
    "width zero": (["--hidden=5,0"], "--hidden", "at least 1"),
    "zero epochs": (["--epochs=0"], "--epochs 0", "at least 1"),
    "half an epoch": (["--epochs=1.5"], "--epochs 1.5", "whole"),
    "not a number": (["--eta-max=nan"], "--eta-max nan", "above 0"),
    "learning rates exchanged": (["--eta-min=1"], "--eta-min 1", "--eta-max"),
    "α of one": (["--alpha=1"], "--alpha 1", "below 1"),
    "zero σ": (["--init=normal:0"], "--init", "above 0"),
    "unknown schedule": (["--schedule=cosin"], "cosin", "cosine"),
    "unknown preset": (["--preset=papers"], "papers", "paper"),
    "cycle of zero": (["--cycle=0steps"], "--cycle 0steps", "as in 10epochs"),
    "zoom of nothing": (["--fine=zoom:0"], "--fine", "from 1 up"),
    "no replicates": (["--replicates=0"], "--replicates 0", "at least 1"),
    "name with a slash": (["--name=a/b"], "--name a/b", "plain folder name"),
    "no cores": (["--cpus-per-trial=0"], "--cpus-per-trial 0", "above 0"),
    "nothing listens": (["--address=localhost:1"], "localhost:1", "nothing answers"),
    "no address": (["--address=somewhere"], "somewhere", "host:port"),
    "two executors": (["--serial", "--address=auto"], "--serial", "exclude"),
    "unwritable folder": (["--out=/proc/runs"], "/proc/runs", "--out"),
    "a cycle of a step": (
        ["--cycle=1", "--batch-size=700"],
        "--cycle 1epochs has 1 step",
        "longer",
    ),
    "an address for a folder": (["--out=s3://bucket/runs"], "s3://bucket/runs", "this machine"),
    "no such user": (["--out=~nosuchuser/runs"], "~nosuchuser", "write the path out"),
    "name too long": ([f"--name={'n' * 256}"], "256 bytes", "shorter"),
    "folder's name too long": ([f"--out={'n' * 256}"], "--out", "255 bytes a name"),
    "no such flag": (["--hiden=5"], "--hiden", "--hidden"),
    "no such spec": (["--spec=/no/spec.toml"], "/no/spec.toml", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_exit_code_2_and_writes_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line holds the value and the way out."""
    monkeypatch.chdir(tmp_path)
    flags, value, way_out = BAD[name]
    assert call("--data=digits", *flags) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert value in last
    assert way_out in last
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


ARRAYS = {
    "NaN": ({"X": np.full((200, 4), np.nan), "y": np.arange(200) % 2}, "NaN"),
    "label out of range": ({"X": np.ones((200, 4)), "y": np.arange(200) % 2 - 1}, "labels start"),
    "one class": ({"X": np.ones((200, 4)), "y": np.zeros(200, int)}, "at least 2"),
    "lengths differ": ({"X": np.ones((200, 4)), "y": np.arange(100) % 2}, "make them equal"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_bad_arrays_of_the_user(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own file is named with what is wrong in it."""
    monkeypatch.chdir(tmp_path)
    arrays, expected = ARRAYS[name]
    np.savez("mine.npz", **arrays)  # type: ignore[arg-type] # a dict of arrays
    assert call("--data=npz:mine.npz") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: mine.npz")
    assert expected in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]
