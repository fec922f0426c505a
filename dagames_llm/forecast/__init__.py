"""Forecasts of training from sampled answers: expected steps, equilibria, intervals."""
