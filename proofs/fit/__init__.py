"""Synthesis: a layout that fits, or the requirements that cannot hold together."""
