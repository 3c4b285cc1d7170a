"""The final model beside its data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kbn.inference import predict_proba
from kbn.model import load
from search import Study, run
from search.study.final_model import final_network, find_mistakes
from search.training.problem import prepare
from tests.search.studies import SMALL


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), serial=True, quiet=True)


def test_mistakes_are_those_that_the_model_is_surest_of(study: Study) -> None:
    """Found anew from the kept network: wrong, the surest first, as the data set has them."""
    problem = prepare(SMALL, data_dir=None, say=lambda line: None)
    network, split = final_network(study.record), problem.shared.split
    assert network is not None
    found = find_mistakes(network, split, most=7)
    probabilities = predict_proba(network, split.X_test)
    wrong = probabilities.argmax(axis=1) != split.y_test
    sure = np.sort(probabilities.max(axis=1)[wrong])[::-1][:7]
    assert len(sure) == 7
    assert np.array_equal(found.probabilities, sure)
    assert not (found.classes == found.taken_for).any()
    raw = load(study.folder / "model.npz")
    again = predict_proba(network, (found.images - raw.mean) / raw.std)
    assert np.allclose(again.max(axis=1), sure, atol=1e-5)
    assert np.allclose(found.images, found.images.round(), atol=1e-4)  # pixels are whole numbers
    assert {0, 16} <= set(abs(found.images.round()).ravel())


def test_a_study_that_ran_knows_its_mistakes(study: Study) -> None:
    """Its report shows them."""
    assert study.record.mistakes is not None
    assert (study.folder / "figures" / "mistakes.svg").exists()
    assert "](figures/mistakes.png)" in (study.folder / "report.md").read_text("utf-8")


def test_a_model_that_is_always_right_makes_none(study: Study) -> None:
    """There is none to be shown."""
    problem = prepare(SMALL, data_dir=None, say=lambda line: None)
    network, split = final_network(study.record), problem.shared.split
    assert network is not None
    right = predict_proba(network, split.X_test).argmax(axis=1) == split.y_test
    easy = replace(split, X_test=split.X_test[right], y_test=split.y_test[right])
    assert len(find_mistakes(network, easy).images) == 0
