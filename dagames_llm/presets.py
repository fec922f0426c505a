"""Settings of TRL under which a run is the paper's algorithm as printed, or the game that it is derived from.

Each is a mapping of fields: `GRPOConfig(output_dir="out", **PAPER)`, `RLOOConfig(output_dir="out", **GAME)`. The page
docs/paper-index.md gives the source of the value of each field.
"""

from types import MappingProxyType
from typing import Any, Final

_RUN: Final = {
    "num_generations": 64,
    "per_device_train_batch_size": 64,
    "gradient_accumulation_steps": 2,
    "steps_per_generation": 2,
    "num_iterations": 1,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "max_completion_length": 512,
    "mask_truncated_completions": False,
    "learning_rate": 1e-5,
    "max_steps": 3200,
    "beta": 0.02,
}
"""Fields of both presets."""

PAPER: Final = MappingProxyType[str, Any]({
    **_RUN,
    "use_bias_correction_kl": True,
    "loss_type": "luspo",
    "importance_sampling_level": "token",
    "scale_rewards": "group",
    "multi_objective_aggregation": "sum_then_normalize",
    "epsilon": 0.2,
    "delta": None,
    "entropy_coef": 0.0,
    "top_entropy_quantile": 1.0,
    "disable_dropout": True,
    "sync_ref_model": False,
})
"""Fields of `trl.GRPOConfig` for `OrbitGRPOTrainer`: eq. 4 with the advantages of eq. 5, over the orbit."""

PAPER_LORA: Final = MappingProxyType[str, Any]({"r": 8, "lora_alpha": 16, "lora_dropout": 0.05})
"""Fields of `peft.LoraConfig`."""

GAME: Final = MappingProxyType[str, Any]({
    **_RUN,
    "normalize_advantages": False,
    "reward_clip_range": None,
    "epsilon": 0.2,
    "disable_dropout": True,
    "sync_ref_model": False,
})
"""Fields of `trl.RLOOConfig` for `OrbitRLOOTrainer`: the KL of the whole trace inside the reward, centred."""
