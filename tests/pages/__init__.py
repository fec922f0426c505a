"""The interactive page: its numbers against the core's, and the page in a browser."""
