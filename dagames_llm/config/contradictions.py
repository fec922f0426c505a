"""Checks of several keys of a recipe: pairs that exclude each other, batches that do not divide, absent packages.

Each check yields pairs of a key and its fault. The settings have the types of their keys and include the defaults.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dagames_llm.config.kinds import shown
from dagames_llm.config.rules import OPTIMISERS, PLAIN_SCHEDULES, QLORA, SET_ELSEWHERE, TRACKER_MODULES, TRACKERS
from dagames_llm.counted import counted

Faults = dict[str, str]
Found = Iterator[tuple[str, str]]


class Settings(dict[str, Any]):
    """Every key of a recipe and its value; None for a key that the installed TRL or transformers does not have."""

    def __missing__(self, key: str) -> None:
        """Return None."""


def contradictions(settings: Settings, faulty: frozenset[str]) -> Found:
    """Yield the faults of combinations of keys, without the checks that read a faulty key."""
    for keys, check in _CHECKS:
        if not faulty.intersection(keys):
            yield from check(settings)


def installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def processes() -> int:
    """Return how many processes a launcher has started."""
    count = os.environ.get("WORLD_SIZE", "1")
    return int(count) if count.isdigit() else 1


def _pair(key: str, fault: str) -> tuple[str, str]:
    return key, fault


def _exclusive(first: str, second: str) -> Callable[[Settings], Found]:
    def check(settings: Settings) -> Found:
        if settings[first] and settings[second]:
            yield _pair(
                first,
                f"`{first}` is {shown(settings[first])} and `{second}` is {shown(settings[second])}: leave one of them "
                "out",
            )

    return check


def _precision(settings: Settings) -> Found:
    if settings["use_cpu"]:
        for key in ("fp16", "fp16_full_eval"):
            if settings[key]:
                yield key, f"`{key}` is true, but `use_cpu` is true: a CPU has no float16 training; use `bf16: true`"
        if settings["tf32"]:
            yield "tf32", "`tf32` is true, but `use_cpu` is true: a CPU has no TF32; write `tf32: false`"
    elif settings["bf16"] is not False and not settings["fp16"] and not _has_bfloat16():
        yield _pair(
            "bf16",
            f"`bf16` is {shown(settings['bf16'])}, but no GPU computes in bfloat16: on a CPU set `use_cpu: true`, and "
            "`bf16: false` unless it has bfloat16 units; on an older GPU set `bf16: false`",
        )
    if settings["dtype"] == "auto" and settings["load_in_4bit"]:
        yield "dtype", "`dtype` is 'auto', but `load_in_4bit` is true: name the type of computation, such as bfloat16"


def _has_bfloat16() -> bool:
    from transformers import training_args

    return bool(training_args.is_torch_bf16_gpu_available())  # the check that TRL's settings make, by its own name


def _batches(settings: Settings) -> Found:
    n_processes = processes()
    batch_per_step = settings["per_device_train_batch_size"] * n_processes
    batch, group = settings["generation_batch_size"], settings["num_generations"]
    if batch is not None:
        if batch % batch_per_step:
            yield _pair(
                "generation_batch_size",
                f"`generation_batch_size` is {batch}; it must be a multiple of {batch_per_step}, "
                f"`per_device_train_batch_size` {settings['per_device_train_batch_size']} on "
                f"{counted(n_processes, 'process', 'processes')}",
            )
            return
        origin = "`generation_batch_size`"
    else:
        steps = settings["steps_per_generation"] or settings["gradient_accumulation_steps"]
        batch, origin = batch_per_step * steps, f"{batch_per_step} times {counted(steps, 'step')}"
    if batch % group:
        yield _pair(
            "num_generations",
            f"`num_generations` is {group}, but a generation has {batch} completions ({origin}), not divisible by it: "
            "change `per_device_train_batch_size` or `gradient_accumulation_steps` so that it is a multiple of "
            "`num_generations`",
        )


def _evaluation(settings: Settings) -> Found:
    strategy = settings["eval_strategy"]
    evaluates = strategy != "no" or settings["eval_on_start"]
    key = "eval_strategy" if strategy != "no" else "eval_on_start"
    if evaluates and settings["data"] is not None and not settings["held_out"]:
        yield key, f"`{key}` is {shown(settings[key])}, but no rows are held out for evaluation: set `held_out`"
    group = settings["num_generations_eval"] or settings["num_generations"]
    batch = settings["per_device_eval_batch_size"] * processes()
    if evaluates and batch % group:
        yield _pair(
            "per_device_eval_batch_size",
            f"`per_device_eval_batch_size` is {settings['per_device_eval_batch_size']}, {batch} on all processes; it "
            f"must be a multiple of {group} there, the completions of a row in evaluation: change it, or set "
            "`num_generations_eval`",
        )
    if strategy == "no" and settings["lr_scheduler_type"] in ("reduce_lr_on_plateau", "greedy"):
        yield _pair(
            "lr_scheduler_type",
            f"`lr_scheduler_type` is {shown(settings['lr_scheduler_type'])}, which needs evaluations: set "
            "`eval_strategy` and `held_out`",
        )


def _best(settings: Settings) -> Found:
    if not settings["load_best_model_at_end"]:
        return
    place = "`load_best_model_at_end` is true"
    save, evaluation = settings["save_strategy"], settings["eval_strategy"]
    if evaluation == "no":
        yield "load_best_model_at_end", f"{place}, but nothing is evaluated: set `eval_strategy` and `held_out`"
    elif save not in (evaluation, "best"):
        yield _pair(
            "load_best_model_at_end",
            f"{place}, but `save_strategy` is {shown(save)} and `eval_strategy` {shown(evaluation)}: make them equal",
        )
    elif settings["metric_for_best_model"] in (None, "loss", "eval_loss"):
        yield _pair(
            "load_best_model_at_end",
            f"{place}, but GRPO's loss does not measure a model: set `metric_for_best_model: eval_reward`",
        )


def _adapter(settings: Settings) -> Found:
    if settings["sync_ref_model"] and settings["use_peft"]:
        yield _pair(
            "sync_ref_model",
            "`sync_ref_model` is true, but with `use_peft` the reference is the base model, which does not change: set "
            "`use_peft: false`, or leave `sync_ref_model` out",
        )


def _questions(settings: Settings) -> Found:
    for key in ("held_out", "data_limit"):
        if settings[key] and settings["data"] is None:
            yield _pair(
                key,
                f"`{key}` is {shown(settings[key])}, but a built-in task has its own split: leave it out, or name a "
                "file as `data`",
            )


def _conversation(settings: Settings) -> Found:
    if settings["system"] is not None and not settings["chat"]:
        yield _pair(
            "system",
            f"`system` is {shown(settings['system'])}, but `chat` is false: write `chat: true`, or leave `system` out",
        )


def _rewards(settings: Settings) -> Found:
    count = (settings["target"] is not None) + bool(settings["constraints"])
    weights = settings["reward_weights"]
    if weights is not None:
        if not all(weight == weight and abs(weight) != float("inf") for weight in weights):
            yield "reward_weights", f"`reward_weights` is {shown(weights)}; each must be a finite number"
        elif count and len(weights) != count:
            noun = "reward" if count == 1 else "rewards"
            yield _pair(
                "reward_weights",
                f"`reward_weights` is {shown(weights)}; the recipe has {count} {noun} (the target, then the "
                "constraints together): give as many weights",
            )
    if settings["target"] is None and settings["target_options"]:
        yield _pair(
            "target_options",
            f"`target_options` is {shown(settings['target_options'])}, but there is no target: name one as `target`",
        )
    if not count:
        yield "target", "`target` is null and there are no `constraints`: nothing is rewarded; name one of them"


def _schedule(settings: Settings) -> Found:
    options, kind = settings["lr_scheduler_kwargs"], settings["lr_scheduler_type"]
    if options and not isinstance(options, str) and kind in PLAIN_SCHEDULES:
        yield _pair(
            "lr_scheduler_kwargs",
            f"`lr_scheduler_kwargs` is {shown(options)}, but `lr_scheduler_type` is {kind!r}, which has no options: "
            "leave it out, or choose a schedule such as cosine_with_min_lr",
        )


def _optimiser_options(settings: Settings) -> Found:
    options = settings["optim_args"]
    if options and not all("=" in part for part in options.split(",")):
        yield "optim_args", f"`optim_args` is {shown(options)}; it must have the form name=value,name=value"


def _set_elsewhere(settings: Settings) -> Found:
    for key, names in SET_ELSEWHERE.items():
        value = settings[key]
        for entry in value if isinstance(value, Mapping) else ():
            if entry in names:
                yield key, f"`{key}` is {shown(value)}; {entry!r} is set by the recipe's key `{names[entry]}`"
    model = settings["model_init_kwargs"]
    if isinstance(model, Mapping):
        if model.get("trust_remote_code"):
            yield _pair(
                "model_init_kwargs",
                f"`model_init_kwargs` is {shown(model)}; trust_remote_code is always off: no code of a model is run",
            )
        if model.get("use_safetensors") is False:
            yield "model_init_kwargs", f"`model_init_kwargs` is {shown(model)}; weights are read from safetensors only"


def _generation(settings: Settings) -> Found:
    from transformers import GenerationConfig
    from transformers.generation.configuration_utils import ALL_CACHE_IMPLEMENTATIONS

    known = sorted(name for name in GenerationConfig().to_dict() if not name.startswith("_"))
    options = settings["generation_kwargs"]
    for entry in options if isinstance(options, Mapping) else ():
        if entry not in known:
            near = difflib.get_close_matches(entry, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "transformers' GenerationConfig lists them"
            yield "generation_kwargs", f"`generation_kwargs` is {shown(options)}; {entry!r} is no option: {remedy}"
    cache = settings["cache_implementation"]
    if cache is not None and cache not in ALL_CACHE_IMPLEMENTATIONS:
        yield _pair(
            "cache_implementation",
            f"`cache_implementation` is {shown(cache)}; known are {', '.join(ALL_CACHE_IMPLEMENTATIONS)}",
        )


def _loader(settings: Settings) -> Found:
    for key in ("dataloader_prefetch_factor", "dataloader_persistent_workers"):
        if settings[key] and not settings["dataloader_num_workers"]:
            yield _pair(
                key,
                f"`{key}` is {shown(settings[key])}, but `dataloader_num_workers` is 0: raise it, or leave `{key}` out",
            )


def _files(settings: Settings) -> Found:
    for key in ("accelerator_config", "deepspeed", "fsdp_config"):
        value = settings[key]
        if isinstance(value, str) and not value.startswith("{") and not Path(value).is_file():
            yield key, f"`{key}` is {shown(value)}, but there is no file of that name: give a file, or its content"
    value = settings["accelerator_config"]
    if isinstance(value, Mapping):
        from transformers.trainer_pt_utils import AcceleratorConfig

        known = [field.name for field in dataclasses.fields(AcceleratorConfig)]
        unknown = [name for name in value if name not in known]
        if unknown:
            yield _pair(
                "accelerator_config",
                f"`accelerator_config` is {shown(value)}; {unknown[0]!r} is no option: known are {', '.join(known)}",
            )
    debug = settings["debug"]
    if isinstance(debug, str) and not set(debug.split()) <= {"underflow_overflow", "tpu_metrics_debug"}:
        yield "debug", f"`debug` is {shown(debug)}; known are underflow_overflow, tpu_metrics_debug"


def _absent(settings: Settings, key: str, module: str, requirement: str, otherwise: str) -> Found:
    if not installed(module):
        yield _pair(
            key,
            f"`{key}` is {shown(settings[key])}, but the package {module.split('.')[0]}, which it needs, is not "
            f"installed: `pip install {requirement}`, or {otherwise}",
        )


def _packages(settings: Settings) -> Found:
    for key, module, requirement in (
        ("load_in_4bit", "bitsandbytes", QLORA),
        ("load_in_8bit", "bitsandbytes", QLORA),
        ("use_vllm", "vllm", "'trl[vllm]'"),
        ("use_liger_kernel", "liger_kernel", "liger-kernel"),
        ("deepspeed", "deepspeed", "deepspeed"),
    ):
        if settings[key]:
            yield from _absent(settings, key, module, requirement, f"leave `{key}` out")
    if settings["extractor"] == "math":
        yield from _absent(settings, "extractor", "math_verify", "'dagames[math]'", "use last_number")
    for part, module, requirement in OPTIMISERS:
        if part in settings["optim"]:
            yield from _absent(settings, "optim", module, requirement, "use adamw_torch")
            break
    attention = settings["attn_implementation"]
    if attention in ("flash_attention_2", "flash_attention_3"):
        module, requirement = ("flash_attn", "flash-attn") if attention[-1] == "2" else ("flash_attn_3", "flash-attn-3")
        yield from _absent(settings, "attn_implementation", module, requirement, "use sdpa")


def _trackers(settings: Settings) -> Found:
    value = settings["report_to"]
    for name in [value] if isinstance(value, str) else value or []:
        if name in ("none", "all"):
            continue
        if name not in TRACKERS:
            yield "report_to", f"`report_to` is {shown(value)}; known are none, all, {', '.join(TRACKERS)}"
        elif name == "tensorboard" and installed("tensorboardX"):
            continue
        else:
            yield from _absent(
                settings, "report_to", TRACKER_MODULES.get(name, name), TRACKERS[name], "write `report_to: none`"
            )


def _launched(settings: Settings) -> Found:
    if settings["fsdp"] and processes() < 2:
        yield _pair(
            "fsdp",
            f"`fsdp` is {shown(settings['fsdp'])}, but there is one process: start the command with `accelerate "
            "launch`, whose configuration can also contain FSDP",
        )


_PRECISION = ("use_cpu", "bf16", "fp16", "fp16_full_eval", "tf32", "dtype", "load_in_4bit")
_BATCH = (
    "per_device_train_batch_size", "num_generations", "steps_per_generation", "gradient_accumulation_steps",
    "generation_batch_size",
)  # fmt: skip
_EVALUATION = (
    "eval_strategy", "eval_on_start", "data", "held_out", "num_generations_eval", "num_generations",
    "per_device_eval_batch_size", "lr_scheduler_type",
)  # fmt: skip

_CHECKS: tuple[tuple[tuple[str, ...], Callable[[Settings], Found]], ...] = (
    *(
        (pair, _exclusive(*pair))
        for pair in (
            ("bf16", "fp16"),
            ("bf16_full_eval", "fp16_full_eval"),
            ("load_in_4bit", "load_in_8bit"),
            ("generation_batch_size", "steps_per_generation"),
        )
    ),
    (_PRECISION, _precision),
    (_BATCH, _batches),
    (_EVALUATION, _evaluation),
    (("load_best_model_at_end", "save_strategy", "eval_strategy", "metric_for_best_model"), _best),
    (("sync_ref_model", "use_peft"), _adapter),
    (("data", "held_out", "data_limit"), _questions),
    (("system", "chat"), _conversation),
    (("target", "target_options", "constraints", "reward_weights"), _rewards),
    (("lr_scheduler_type", "lr_scheduler_kwargs"), _schedule),
    (("optim_args",), _optimiser_options),
    (("generation_kwargs", "model_init_kwargs"), _set_elsewhere),
    (("generation_kwargs", "cache_implementation"), _generation),
    (("accelerator_config", "deepspeed", "fsdp_config", "debug"), _files),
    (("optim", "extractor", "attn_implementation", "deepspeed"), _packages),
    (("dataloader_num_workers", "dataloader_prefetch_factor"), _loader),
    (("report_to",), _trackers),
    (("fsdp",), _launched),
)
"""The keys that each check reads, and the check."""
