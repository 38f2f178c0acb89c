"""What all tests share: nothing of the terminal or the state folder of whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

# the models of the tests are so small that a second thread costs more than it brings, and two test processes
# whose threads wait for each other stand still; set before anything imports torch
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Processes that tests start inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.delenv("COLUMNS", raising=False)  # that of the terminal of pytest-xdist
        yield
