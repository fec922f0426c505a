"""Allowed values of the keys of a recipe: ranges, choices, keys that need others, packages, and keys that are refused.

Tables only; `dagames_llm.config.validation` applies them. Other keys mean what TRL and transformers document.
"""

from __future__ import annotations

RANGES = {
    "beta": "> 0",
    "learning_rate": "> 0",
    "num_train_epochs": "> 0",
    "num_iterations": ">= 1",
    "num_generations": ">= 2",
    "num_generations_eval": ">= 1",
    "per_device_train_batch_size": ">= 1",
    "per_device_eval_batch_size": ">= 1",
    "gradient_accumulation_steps": ">= 1",
    "steps_per_generation": ">= 1",
    "generation_batch_size": ">= 2",
    "max_completion_length": ">= 1",
    "temperature": "> 0",
    "top_p": "> 0, <= 1",
    "top_k": ">= 0",
    "min_p": ">= 0, <= 1",
    "repetition_penalty": "> 0",
    "lora_upper_layers": ">= 1",
    "lora_r": ">= 1",
    "lora_alpha": ">= 1",
    "lora_dropout": ">= 0, < 1",
    "threads": ">= 1",
    "eval_samples": ">= 0",
    "data_limit": ">= 1",
    "held_out": ">= 0",
    "save_steps": "> 0",
    "save_total_limit": ">= 1",
    "logging_steps": "> 0",
    "eval_steps": "> 0",
    "eval_delay": ">= 0",
    "warmup_steps": ">= 0",
    "weight_decay": ">= 0",
    "max_grad_norm": ">= 0",
    "adam_beta1": ">= 0, < 1",
    "adam_beta2": ">= 0, < 1",
    "adam_epsilon": "> 0",
    "neftune_noise_alpha": "> 0",
    "epsilon": ">= 0",
    "epsilon_high": ">= 0",
    "delta": "> 0",
    "entropy_coef": ">= 0",
    "top_entropy_quantile": "> 0, <= 1",
    "ref_model_mixup_alpha": ">= 0, <= 1",
    "ref_model_sync_steps": ">= 1",
    "dataloader_num_workers": ">= 0",
    "dataloader_prefetch_factor": ">= 1",
    "num_completions_to_print": ">= 1",
    "torch_empty_cache_steps": ">= 1",
    "ddp_timeout": ">= 1",
    "vllm_gpu_memory_utilization": "> 0, <= 1",
    "vllm_tensor_parallel_size": ">= 1",
    "vllm_max_model_length": ">= 1",
    "sapo_temperature_neg": "> 0",
    "sapo_temperature_pos": "> 0",
    "seed": ">= 0, <= 2**32 - 1",
    "data_seed": ">= 0",
}
"""Ranges of the numbers of keys. A key that can be null passes as null, except for `REQUIRED`."""

REQUIRED = ("num_generations", "max_completion_length")
"""Keys that TRL declares as optional and that every run needs."""

WHOLE_ABOVE_ONE = ("save_steps", "logging_steps", "eval_steps", "warmup_steps")
"""Keys whose value is a number of steps if it is at least 1, and else a share of the run's steps."""

CHOICES: dict[str, tuple[str, ...]] = {
    "scale_rewards": ("none", "group", "batch"),
    "loss_type": ("luspo", "grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "vespo"),
    "importance_sampling_level": ("token", "sequence"),
    "multi_objective_aggregation": ("sum_then_normalize", "normalize_then_sum"),
    "dtype": ("auto", "bfloat16", "float16", "float32", "float64"),
    "lora_task_type": ("CAUSAL_LM",),
    "bnb_4bit_quant_type": ("nf4", "fp4"),
    "ddp_backend": ("gloo", "nccl", "mpi", "ccl", "hccl", "cncl", "mccl", "xccl"),
    "vllm_mode": ("colocate", "server"),
    "vllm_model_impl": ("vllm", "transformers"),
    "vllm_importance_sampling_mode": ("token_truncate", "token_mask", "sequence_truncate", "sequence_mask"),
}
"""Allowed values of keys that TRL checks late, most of them at the first step; enumerations list their own values."""

ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""Names of attention kernels; `owner/name` is a kernel of the hub, and `paged|...` a kernel for continuous batching."""

HINTS = {
    "lora_upper_layers": "leave it out to adapt all layers",
    "save_steps": "for no checkpoints, write `save_strategy: no`",
    "max_steps": "leave it out to train for `num_train_epochs`",
    "dtype": "weights in 8 or 4 bits are `load_in_8bit: true` or `load_in_4bit: true`",
    "lora_target_modules": "`all-linear` stands for every linear layer",
    "model_name_or_path": "it is a folder, an id of the hub, or `embedded`",
    "distance": "such as token_f1",
}
"""Further remedies for a key, added to its error message."""

NEEDS: tuple[tuple[tuple[str, ...], str, tuple[object, ...]], ...] = (
    (("lora_", "use_rslora", "use_dora", "load_in_4bit", "load_in_8bit"), "use_peft", (True,)),
    (("bnb_4bit_", "use_bnb_nested_quant"), "load_in_4bit", (True,)),
    (("vllm_",), "use_vllm", (True,)),
    (("transformers_continuous_batching_config",), "use_transformers_continuous_batching", (True,)),
    (("ref_model_",), "sync_ref_model", (True,)),
    (("entropy_coef_", "entropy_target"), "use_adaptive_entropy", (True,)),
    (("num_completions_to_print", "log_unique_prompts"), "log_completions", (True,)),
    (("sapo_",), "loss_type", ("sapo",)),
    (("vespo_",), "loss_type", ("vespo",)),
    (("chat_template_kwargs",), "chat", (True,)),
    (("liger_kernel_config",), "use_liger_kernel", (True,)),
    (("eval_steps",), "eval_strategy", ("steps",)),
    (("eval_delay",), "eval_strategy", ("steps", "epoch")),
    (("metric_for_best_model",), "eval_strategy", ("steps", "epoch")),
)
"""Keys, by name or prefix, that have an effect only if another key has one of the listed values."""

_HUB = "nothing is uploaded while a run trains; upload the finished folder with `hf upload`"
_GRPO = "GRPO does not read it"

REFUSED = {
    "resume_from_checkpoint": "a run is continued by the option --resume, from its last complete checkpoint",
    "trust_remote_code": "it is always off: no code of a model is run",
    "push_to_hub": _HUB,
    "hub_model_id": _HUB,
    "hub_strategy": _HUB,
    "hub_private_repo": _HUB,
    "hub_always_push": _HUB,
    "hub_revision": _HUB,
    "hub_token": "a recipe is copied into results, so it must contain no secrets; use `hf auth login`",
    "log_completions_hub_repo": _HUB,
    "do_train": "the command trains; leave it out",
    "do_eval": "evaluate with `dagames-llm evaluate`, or while training with `eval_strategy`",
    "do_predict": "evaluate with `dagames-llm evaluate`",
    "ignore_data_skip": "a resumed run would use other rows than an uninterrupted one; leave it out",
    "remove_unused_columns": "targets and constraints read the columns; leave it out",
    "label_smoothing_factor": _GRPO,
    "label_names": _GRPO,
    "include_for_metrics": _GRPO,
    "prediction_loss_only": _GRPO,
    "batch_eval_metrics": _GRPO,
    "include_num_input_tokens_seen": _GRPO,
    "length_column_name": _GRPO,
    "train_sampling_strategy": "the sampler keeps the completions of an orbit together; leave it out",
    "auto_find_batch_size": "a smaller batch would cut groups; lower `per_device_train_batch_size` instead",
    "max_tool_calling_iterations": "the command has no tools; leave it out",
    "disable_tqdm": "progress is shown by the command itself; leave it out",
    "local_rank": "processes are started by `accelerate launch` or `torchrun`, which number them",
    "parallelism_config": "write it into a file for `accelerate launch --config_file`",
}
"""Keys of TRL that `train` refuses unless they have their default, with the reason or the remedy."""

TRACKERS = {
    "azure_ml": "azureml-core",
    "clearml": "clearml",
    "codecarbon": "codecarbon",
    "comet_ml": "comet-ml",
    "dagshub": "dagshub mlflow",
    "dvclive": "dvclive",
    "flyte": "flytekit",
    "mlflow": "mlflow",
    "neptune": "neptune",
    "swanlab": "swanlab",
    "tensorboard": "tensorboard",
    "trackio": "trackio",
    "wandb": "wandb",
}
"""Trackers of `report_to`, and the packages to install for them."""

TRACKER_MODULES = {"azure_ml": "azureml.core", "flyte": "flytekit"}
"""Modules of the trackers whose module has another name."""

QLORA = "'dagames[qlora]'"
"""Requirement for bitsandbytes, in a version that transformers supports."""

OPTIMISERS = (
    ("adamw_torch_4bit", "torchao", "torchao"),
    ("adamw_torch_8bit", "torchao", "torchao"),
    ("galore", "galore_torch", "galore-torch"),
    ("apollo", "apollo_torch", "apollo-torch"),
    ("lomo", "lomo_optim", "lomo-optim"),
    ("grokadamw", "grokadamw", "grokadamw"),
    ("schedule_free", "schedulefree", "schedulefree"),
    ("stable_adamw", "optimi", "torch-optimi"),
    ("anyprecision", "torchdistx", "torchdistx"),
    ("8bit", "bitsandbytes", QLORA),
    ("32bit", "bitsandbytes", QLORA),
    ("bnb", "bitsandbytes", QLORA),
    ("ademamix", "bitsandbytes", QLORA),
)
"""Parts of optimisers' names, with the module and the package they need; the first part in the name counts."""

PLAIN_SCHEDULES = ("constant", "constant_with_warmup", "linear")
"""Schedules that take no `lr_scheduler_kwargs`."""

SET_ELSEWHERE = {
    "generation_kwargs": {
        "num_return_sequences": "num_generations",
        "max_new_tokens": "max_completion_length",
        "max_length": "max_completion_length",
        "do_sample": "temperature",
        "num_beams": "num_generations",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "min_p": "min_p",
        "repetition_penalty": "repetition_penalty",
        "cache_implementation": "cache_implementation",
    },
    "model_init_kwargs": {
        "dtype": "dtype",
        "torch_dtype": "dtype",
        "attn_implementation": "attn_implementation",
        "revision": "model_revision",
        "quantization_config": "load_in_4bit",
        "load_in_4bit": "load_in_4bit",
        "load_in_8bit": "load_in_8bit",
    },
}
"""Entries of mappings that are refused because a key of the recipe sets the same value."""
