"""Whether the hub answers, found out once: its clients try for half a minute, with a notice each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

PATIENCE = 10.0
"""Seconds within which the hub must answer the first question."""


def hub_silence(name: str, kind: Literal["model", "dataset"], revision: str | None = None) -> str | None:
    """Return why the hub does not answer, or None where it does. Heavy: loads the hub's client."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        api = HfApi()
        if kind == "model":
            api.model_info(name, revision=revision, timeout=PATIENCE)
        else:
            api.dataset_info(name, revision=revision, timeout=PATIENCE)
    except (HfHubHTTPError, HFValidationError):
        return None
    except Exception as error:  # noqa: BLE001, the client's errors have no class that all its versions share
        return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return None


@contextmanager
def without_hub() -> Iterator[None]:
    """Let the hub's client use its cache alone, as HF_HUB_OFFLINE=1 does."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
