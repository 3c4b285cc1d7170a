"""The final model class by class."""

from __future__ import annotations

import numpy as np

from reports.coarse_fine.classes import LONGEST, class_scores, classes_remainder, classes_table
from reports.parts.text import NONE


def test_a_row_a_class() -> None:
    """Its share of images labelled right, and what it is taken for most often."""
    counts = np.array([[3, 1, 0], [0, 5, 0], [10, 30, 60]])
    scores = class_scores(counts, ("a|b", "c", "d"))
    table = classes_table(scores)
    assert [list(row) for row in table.to_numpy()] == [
        ["a\\|b", "4", "0.7500", "0.2165", "c (0.2500)"],
        ["c", "5", "1.0000", "0.1342", NONE],
        ["d", "100", "0.6000", "0.0490", "c (0.3000)"],
    ]
    assert classes_remainder(scores) == ""


def test_a_class_without_test_images_has_no_row() -> None:
    """There is nothing to say of it."""
    assert [each.name for each in class_scores(np.array([[2, 0], [0, 0]]), ("a", "b"))] == ["a"]


def test_of_many_classes_those_done_worst_are_listed() -> None:
    """As many as a reader looks at, and how many there are."""
    counts = np.diag(np.arange(1, 101)) + np.eye(100, k=1, dtype=int) * 5
    counts[-1, 0] = 5
    scores = class_scores(counts, [f"class {k}" for k in range(100)])
    assert list(classes_table(scores)["class"]) == [f"class {k}" for k in range(20)]
    assert classes_remainder(scores) == "These are the 20 classes of 100 that it labels worst."


def test_long_names_of_classes_are_cut_in_the_table() -> None:
    """A name of any length and any number of lines leaves the table one."""
    table = classes_table(class_scores(np.array([[3, 1], [0, 4]]), ("a\nb" * 50_000, "c" * 50_000)))
    assert table["class"].str.len().tolist() == [LONGEST] * 2
    assert table["most often taken for"][0] == f"{'c' * (LONGEST - 1)}… (0.2500)"
