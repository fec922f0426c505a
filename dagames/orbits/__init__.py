"""Families of equivalent prompts."""
