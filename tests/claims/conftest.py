"""One folder of settled claims for all processes of a run of the tests."""

import os
from collections.abc import Iterator

import pytest

from tests.claims.settled import FOLDER


@pytest.fixture(scope="session", autouse=True)
def _folder_of_results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    # The processes of one run have their own folders beside each other.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "settled-claims"
    folder.mkdir(exist_ok=True)
    os.environ[FOLDER] = str(folder)
    yield
    del os.environ[FOLDER]
