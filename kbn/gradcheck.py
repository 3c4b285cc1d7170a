"""The gradient check as a command: `python -m kbn.gradcheck`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import click
from tabulate import tabulate

from kbn.differences import REFERENCE_HIDDEN, TOLERANCE, ParameterCheck, check_random
from kbn.errors import InputError, WriteError, visible
from kbn.output import checked_output

REFERENCE = {
    "w0": 3.112e-6,
    "b0": 2.512e-8,
    "w1": 2.221e-8,
    "b1": 2.552e-9,
    "w2": 3.756e-7,
    "b2": 1.676e-8,
    "w3": 4.374e-7,
    "b3": 1.399e-9,
}
"""The reference report's relative errors, for hidden layers of 4, 5 and 6 units."""


def table(checks: tuple[ParameterCheck, ...], *, reference: bool) -> str:
    """Return the checks as a table, with the reference report's column where it applies."""
    return tabulate(
        _rows(checks, reference=reference),
        headers=("parameter", *(("reference",) if reference else ()), "measured", ""),
        colalign=("left", *(("right",) if reference else ()), "right", "left"),
        disable_numparse=True,
    )


def _rows(checks: tuple[ParameterCheck, ...], *, reference: bool) -> Iterator[tuple[str, ...]]:
    for each in checks:
        known = REFERENCE.get(each.name)
        column = (f"{known:.3e}" if known else "–",) if reference else ()
        verdict = "ok" if each.passed else "FAILED"
        measured = f"{each.relative_error:.3e}" if each.effect else "–"
        yield each.name, *column, measured, verdict if each.effect else "no effect"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--inputs", default=3, show_default=True, type=click.IntRange(1), help="Features of an image."
)
@click.option("--hidden", default="4,5,6", show_default=True, help="Widths of the hidden layers.")
@click.option(
    "--classes", default=10, show_default=True, type=click.IntRange(2), help="Number of classes."
)
@click.option(
    "--batch", default=6, show_default=True, type=click.IntRange(2), help="Images in the batch."
)
@click.option(
    "--batch-norm/--no-batch-norm",
    default=True,
    show_default=True,
    help="Normalise each hidden layer's batches.",
)
@click.option(
    "--lam", default=0.005, show_default=True, type=click.FloatRange(0.0), help="L2 strength λ."
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Seed of weights, images and labels.",
)
def command(
    inputs: int, hidden: str, classes: int, batch: int, *, batch_norm: bool, lam: float, seed: int
) -> int:
    """Check back-propagation against centred differences in float64, parameter by parameter."""
    widths = _widths(hidden)
    if not lam < float("inf"):
        raise InputError(f"--lam {lam}: give a finite number of at least 0")
    checks = check_random(
        inputs=inputs,
        hidden=widths,
        classes=classes,
        batch=batch,
        batch_norm=batch_norm,
        lam=lam,
        seed=seed,
    )
    click.echo(table(checks, reference=batch_norm and widths == REFERENCE_HIDDEN and inputs == 3))
    failed = [each for each in checks if not each.passed]
    for each in failed:
        click.echo(
            f"{each.name}: ‖back-propagation‖ {each.analytic:.6e}, ‖differences‖ "
            f"{each.numerical:.6e}, relative error {each.relative_error:.3e} is not below "
            f"{TOLERANCE:g}"
        )
    if not failed:
        click.echo(f"every parameter that has an effect is below {TOLERANCE:g}")
    return 1 if failed else 0


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1 or "_" in text:  # Python reads 4_5 as 45
        raise InputError(f"--hidden {text!r}: give widths of at least 1, as in 4,5,6")
    return widths


def main() -> None:
    """Run the check and exit: 0 all agree, 1 they do not, 2 bad input, 4 it cannot be printed."""
    with checked_output():
        code = _code()
    sys.exit(code)


def _code() -> int:
    try:
        code: int = command.main(standalone_mode=False, prog_name="python -m kbn.gradcheck")
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    except InputError as error:
        code = _complain(str(error), 2)
    except WriteError as error:
        code = _complain(str(error), 4)
    return code


def _complain(message: str, code: int) -> int:
    with suppress(WriteError):
        click.echo(f"error: {visible(message)}", err=True)
    return code


if __name__ == "__main__":
    main()
