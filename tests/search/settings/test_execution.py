"""Where and how a study runs."""

from __future__ import annotations

import pytest

from kbn.errors import InputError
from search.settings.execution import Execution


def test_serial_and_an_address_exclude_each_other() -> None:
    """The contradiction is named."""
    with pytest.raises(InputError, match="--serial and --address"):
        Execution(serial=True, address="auto")
