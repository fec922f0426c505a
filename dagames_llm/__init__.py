"""Diversity-alignment games on a language model: a thin adapter between `dagames.targets` and TRL.

Nothing heavy is imported here; `dagames_llm.cli` answers `--help` and bad input before torch is loaded.
"""
