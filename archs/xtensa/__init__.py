"""Xtensa: how to lift its headers; no hardware facts yet."""
