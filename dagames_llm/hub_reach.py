"""One request that shows whether the hub responds: its client repeats requests for half a minute, with messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

PATIENCE = 10.0
"""Maximum time of the response, in seconds."""


def hub_silence(name: str, kind: Literal["model", "dataset"], revision: str | None = None) -> str | None:
    """Return why the hub does not respond, or None if it responds. Imports the client of the hub."""
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
    except Exception as error:  # noqa: BLE001, the errors of the client have no class that is common to its versions
        return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return None


@contextmanager
def without_hub() -> Iterator[None]:
    """Restrict the client of the hub to its cache, as HF_HUB_OFFLINE=1 does."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
