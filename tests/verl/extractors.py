"""Extractors by their place, as a user has them."""


def first_word(text):
    return text.split()[0] if text.split() else None


def raising(text):
    return text[1000]


def returning_a_number(text):
    return len(text)
