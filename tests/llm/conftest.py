"""Parts the language-model tests share: a tiny random Llama with a tokenizer of single characters."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llm.forked import Server

# peft asks a transformers model for an attribute under its old name; nothing of ours can avoid it.
FOREIGN = "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(FOREIGN))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.llm.tiny import save_tiny

    return save_tiny(tmp_path_factory.mktemp("tiny") / "model")


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all workers of one run of the tests; what several need the first one makes in it."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What forks processes that have imported torch."""
    place = shared_folder(tmp_path_factory) / "fork-server"
    place.mkdir(exist_ok=True)
    server = Server(place)
    yield server
    server.close()


@pytest.fixture(scope="session")
def two_processes(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what two processes wrote, a folder for each of several tests; one start serves all workers."""
    from tests.llm.test_stock_trainers import STRADDLED
    from tests.llm.test_trainer import SETTINGS
    from tests.llm.tiny import on_two_processes
    from tests.llm.two_processes_worker import PARTS

    out = shared_folder(tmp_path_factory) / "two-processes"
    for part in PARTS:
        (out / part).mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "done").exists():
            settings = json.dumps({"trainer": SETTINGS["straddling"], "stock": STRADDLED})
            result = on_two_processes("tests.llm.two_processes_worker", str(tiny), str(out), settings)
            assert result.returncode == 0, result.stderr[-3000:]
            (out / "done").touch()
    return out


@pytest.fixture
def equipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were a GPU and every optional package: a recipe for them must be readable without them."""
    from dagames_llm.config import contradictions

    monkeypatch.setattr(contradictions, "installed", lambda _: True)
    monkeypatch.setattr(contradictions, "_has_bfloat16", lambda: True)
    monkeypatch.setattr("transformers.training_args.is_torch_bf16_gpu_available", lambda: True)
