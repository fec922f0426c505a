"""Run a module on two processes, started by torchrun's launcher, which forks them from this process.

Usage: launch_worker.py PORT MODULE ARGUMENTS. `torchrun` without `--start-method fork` starts two interpreters.
"""

from __future__ import annotations

import runpy
import sys

from torch.distributed.launcher.api import elastic_launch
from torch.distributed.run import config_from_args, parse_args


def work(module: str, *arguments: str) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main(port: str, module: str, *arguments: str) -> None:
    where = ["--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", port, "--start-method", "fork"]
    config, _, _ = config_from_args(parse_args([*where, "-m", module, *arguments]))
    elastic_launch(config, work)(module, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
