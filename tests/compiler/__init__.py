"""Tests of the kernels that the compiler writes."""
