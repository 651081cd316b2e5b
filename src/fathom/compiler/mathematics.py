"""Exponential, logarithm and their kin as polynomials, written with operators of lanes."""
