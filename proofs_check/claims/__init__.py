"""One file per claim: each defines `CLAIMS`."""
