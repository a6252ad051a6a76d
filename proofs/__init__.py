"""The questions: what a layout has to satisfy, and the machinery that asks."""
