"""Architectures: hardware facts and kernel layouts, a folder each."""
