"""Read recipes, check their keys one by one and together, and make the rewards that they name."""
