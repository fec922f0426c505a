"""A process that has imported torch, transformers and TRL, and forks a process for each command that is sent to it.

Usage: fork_server.py SOCKET USERS. It returns when it listens at SOCKET, and ends when no process holds a shared lock
of the file USERS any more. `tests.llm.forked` sends the commands.

Each command runs in a process of its own, with its own environment, working folder and output, and it ends as the
interpreter ends. The server forks while it has a single thread.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import threading
import types
from pathlib import Path

IMPORTED = (
    "torch", "torch.distributed.run", "torch.distributed.launcher.api", "trl.trainer.grpo_trainer",
    "trl.trainer.grpo_config", "transformers.models.llama.modeling_llama", "peft", "datasets", "accelerate",
    "safetensors.torch", "dagames_llm.trainer", "dagames_llm.training.train", "dagames_llm.evaluation.command",
    "dagames_llm.forecast.command",
)  # fmt: skip


def serve(path: str, users: str) -> list[str]:
    """Fork for each command. Returns, in the process that was forked, what the interpreter would be started with."""
    assert threading.active_count() == 1
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    if os.fork():
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    with Path(users).open("w") as lock:
        while True:
            if not select.select([listener], [], [], 1.0)[0]:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    Path(path).unlink()
                    os._exit(0)
            elif arguments := answer(listener):
                return arguments
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def answer(listener: socket.socket) -> list[str] | None:
    """Fork a process that forks the command, reports its number and waits for it. Returns arguments in the command."""
    connection, _ = listener.accept()
    if os.fork():
        connection.close()
        return None
    listener.close()
    message, outputs = received(connection)
    pid = os.fork()
    if pid == 0:
        connection.close()
        prepare(message, outputs)
        return message["arguments"]
    connection.sendall(f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(f"{code}\n".encode())
    os._exit(0)


def received(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    files = array.array("i")
    data, extra, _, _ = connection.recvmsg(1 << 20, socket.CMSG_LEN(2 * files.itemsize))
    for _, _, content in extra:
        files.frombytes(content)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    return json.loads(data), files.tolist()


def prepare(message: dict[str, object], outputs: list[int]) -> None:
    """Make this process what a new interpreter is: its folder, environment, outputs, signals and random numbers."""
    import numpy as np

    os.setsid()
    os.chdir(message["folder"])
    os.environ.clear()
    os.environ.update(message["environment"])
    for number, file in zip((1, 2), outputs, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    np.random.seed()  # noqa: NPY002


def run(kind: str, text: str, arguments: list[str]) -> None:
    """Run a module as `python -m MODULE` does, or a script as `python -c SCRIPT` does."""
    sys.argv = [text if kind == "-m" else kind, *arguments]
    if kind == "-m":
        runpy.run_module(text, run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(text, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    first, second, *others = serve(*sys.argv[1:])
    run(first, second, others)
