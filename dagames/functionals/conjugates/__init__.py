"""Conjugates and suprema over the simplex: by roots (`root_conjugate`), Newton's method and cutting planes."""
