"""The command line on two processes, the second of which finds something wrong with its machine."""

from __future__ import annotations

import os
from typing import Any

from dagames_llm import cli
from dagames_llm._errors import DataError
from dagames_llm.training import train


def no_questions(*_: Any) -> Any:
    raise DataError("the disk of this machine holds no questions.")


if __name__ == "__main__":
    if os.environ["RANK"] == "1":
        train.questions_of = no_questions
    cli.main()
