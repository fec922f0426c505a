"""Completions drawn, scored and compared, with intervals."""
