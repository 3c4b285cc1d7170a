"""The gradient check as a command, and that it can fail."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import numpy as np
import pytest
from click.testing import CliRunner, Result

from kbn import differences, gradcheck
from kbn.gradcheck import command
from kbn.network import Network
from kbn.step import Gradients, gradients
from kbn.workspace import Workspace


def run(*arguments: str) -> Result:
    """Run the command and return its output and the value it ended with."""
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def exits(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run as `python -m kbn.gradcheck` does; return the exit code."""
    monkeypatch.setattr(sys, "argv", ["gradcheck", *arguments])
    with pytest.raises(SystemExit) as ended:
        gradcheck.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def rows(output: str) -> dict[str, list[str]]:
    """Return the table's cells by the parameter's name."""
    table = re.findall(r"^((?:w|b|gamma|beta)\d+)  +(.*?)$", output, flags=re.MULTILINE)
    return {name: re.split(r"  +", cells.strip()) for name, cells in table}


def parameters(depth: int, *, batch_norm: bool) -> set[str]:
    """Return the names of a network's parameters, with `depth` hidden layers."""
    every = {f"{kind}{layer}" for kind in "wb" for layer in range(depth + 1)}
    normed = {f"{kind}{layer}" for kind in ("gamma", "beta") for layer in range(depth)}
    return every | normed if batch_norm else every


def test_the_default_table() -> None:
    """Each parameter has a row, the reference's figure beside ours, and all agree."""
    result = run()
    assert result.return_value == 0
    assert result.exception is None
    table = rows(result.output)
    assert set(table) == parameters(3, batch_norm=True)
    assert result.output.split()[:3] == ["parameter", "reference", "measured"]
    assert table["w0"][0] == "3.112e-06"
    assert table["b3"][0] == "1.399e-09"
    for name, (known, measured, verdict) in table.items():
        assert (known == "–") == name.startswith(("gamma", "beta"))
        if name in {"b0", "b1", "b2"}:
            assert (measured, verdict) == ("–", "no effect")
        else:
            assert float(measured) < 1e-7
            assert verdict == "ok"
    assert result.output.endswith("every parameter that has an effect is below 1e-07\n")


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("hidden", ["5", "4,5,6", "3,1,2", " 7 , 7 ", "6,5,4,3"])
def test_architectures(hidden: str, *, batch_norm: bool) -> None:
    """Any number of hidden layers is checked, with and without batch normalisation."""
    result = run("--hidden", hidden, "--batch-norm" if batch_norm else "--no-batch-norm")
    assert result.return_value == 0
    depth = hidden.count(",") + 1
    table = rows(result.output)
    assert set(table) == parameters(depth, batch_norm=batch_norm)
    idle = {f"b{layer}" for layer in range(depth)} if batch_norm else set()
    assert {name for name, cells in table.items() if cells[-1] == "no effect"} == idle
    assert {cells[-1] for name, cells in table.items() if name not in idle} == {"ok"}
    assert ("reference" in result.output) == (hidden == "4,5,6" and batch_norm)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--inputs", "1", "--classes", "2"),
        ("--inputs", "12", "--classes", "3"),
        ("--lam", "0"),
        ("--lam", "10"),
        ("--batch", "2"),
        ("--batch", "2", "--no-batch-norm"),
        ("--batch", "3"),
        ("--batch", "20", "--hidden", "8"),
        ("--hidden", "2,2,2,2"),
        ("--seed", "1"),
        ("--seed", "12345678901234567890"),
    ],
)
def test_other_problems(arguments: tuple[str, ...]) -> None:
    """Back-propagation is right for every size, λ and seed, and the check says so."""
    result = run(*arguments)
    assert result.exception is None
    assert (result.return_value, "FAILED" in result.output) == (0, False), result.output


def test_the_reference_is_of_three_inputs() -> None:
    """With other inputs the reference's figures are of another network, and are not shown."""
    assert "reference" not in run("--inputs", "4").output


def test_the_seed_decides() -> None:
    """The same seed gives the same table, another one another."""
    one, same, other = (run("--hidden", "3", "--seed", seed).output for seed in "334")
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hidden", ""), "--hidden '': give widths of at least 1, as in 4,5,6"),
        (("--hidden", "4,x"), "--hidden '4,x': give widths of at least 1, as in 4,5,6"),
        (("--hidden", "4,0"), "--hidden '4,0': give widths of at least 1, as in 4,5,6"),
        (("--hidden", "4.5"), "--hidden '4.5': give widths of at least 1, as in 4,5,6"),
        (("--batch", "1"), "Invalid value for '--batch': 1 is not in the range x>=2."),
        (("--inputs", "0"), "Invalid value for '--inputs': 0 is not in the range x>=1."),
        (("--classes", "1"), "Invalid value for '--classes': 1 is not in the range x>=2."),
        (("--lam", "-1"), "Invalid value for '--lam': -1.0 is not in the range x>=0.0."),
        (("--lam", "nan"), "--lam"),
        (("--lam", "inf"), "--lam"),
        (("--seed", "-1"), "Invalid value for '--seed': -1 is not in the range x>=0."),
        (("--seed", "x"), "Invalid value for '--seed': 'x' is not a valid integer range."),
        (("--no-such",), "No such option"),
        (("spare",), "Got unexpected extra argument (spare)"),
    ],
)
def test_bad_input(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """What cannot be checked is one line on stderr, and exit code 2."""
    assert exits(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_agreement_is_exit_code_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process ends with 0 when all gradients agree, and when help is asked for."""
    assert exits(monkeypatch, "--hidden", "3") == 0
    assert "FAILED" not in capsys.readouterr().out
    assert exits(monkeypatch, "--help") == 0
    assert "--hidden" in capsys.readouterr().out


# That it can fail


def wrong_weights(found: Gradients) -> Gradients:
    """Return gradients whose first weights are off in one element."""
    found.W[0][0, 0] += 1e-4
    return found


def wrong_bias(found: Gradients) -> Gradients:
    """Return gradients with the last bias of the other sign."""
    return found._replace(b=[*found.b[:-1], -found.b[-1]])


def wrong_gamma(found: Gradients) -> Gradients:
    """Return gradients with γ and β exchanged."""
    return found._replace(gamma=found.beta, beta=found.gamma)


def wrong_everything(found: Gradients) -> Gradients:
    """Return gradients of the sum over images, not of the mean: only a factor."""
    return Gradients(*([6.0 * array for array in arrays] for arrays in found))


def nan(found: Gradients) -> Gradients:
    """Return gradients with a NaN, which is below no bound."""
    found.W[1][0, 0] = np.nan
    return found


ALL = parameters(3, batch_norm=True) - {"b0", "b1", "b2"}
FAULTS = pytest.mark.parametrize(
    ("fault", "failing"),
    [
        (wrong_weights, {"w0"}),
        (wrong_bias, {"b3"}),
        (wrong_gamma, ALL - {"w0", "w1", "w2", "w3", "b3"}),
        (wrong_everything, ALL),
        (nan, {"w1"}),
    ],
)
Fault = Callable[[Gradients], Gradients]


def break_back_propagation(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """Let `gradients` make a mistake."""

    def broken(made: Network, X: np.ndarray, y: np.ndarray) -> tuple[float, Gradients, Workspace]:
        loss, found, work = gradients(made, X, y)
        return loss, fault(found), work

    monkeypatch.setattr(differences, "gradients", broken)


@FAULTS
def test_a_wrong_gradient_is_found(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, failing: set[str]
) -> None:
    """The parameters with a wrong gradient fail, the others pass, and both norms are told."""
    break_back_propagation(monkeypatch, fault)
    result = run()
    assert result.return_value == 1
    table = rows(result.output)
    assert {name for name, cells in table.items() if cells[-1] == "FAILED"} == failing
    for name in failing:
        assert re.search(
            rf"^{name}: ‖back-propagation‖ .*, ‖differences‖ ", result.output, re.MULTILINE
        )
    assert "every parameter" not in result.output


def test_disagreement_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process ends with 1 when a gradient is wrong."""
    break_back_propagation(monkeypatch, wrong_bias)
    assert exits(monkeypatch, "--no-batch-norm", "--hidden", "3") == 1
    assert "b1: ‖back-propagation‖" in capsys.readouterr().out


def test_no_problem_without_kinks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When all attempts have kinks, the command says what to change, in one line."""
    monkeypatch.setattr(differences, "STEP", 0.5)
    monkeypatch.setattr(differences, "ATTEMPTS", 3)
    assert exits(monkeypatch, "--batch", "20") == 2
    assert capsys.readouterr().err == (
        "error: none of 3 random problems is free of kinks; choose a smaller --batch or "
        "smaller --hidden layers\n"
    )
