"""Runs native programs: machine code and its cache, threads, and the loop over the steps."""
