"""The figures, one a file: `compute()` returns arrays, `draw()` a picture of them."""
