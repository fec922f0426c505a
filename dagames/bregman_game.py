"""The generalised game, whose divergence to the reference is any Bregman divergence."""
