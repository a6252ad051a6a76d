"""JSON: one object, for programs.  Every cell with the claims and the counts it rests on; variants that are alike are not put together."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bitspec.matrix import Block, Cell, Column, Matrix, Row


def render(one: Matrix) -> str:
    """The matrix as one JSON object."""
    data = {
        "bitspec": one.version,
        "columns": [_column(column) for column in one.columns],
        "rows": [_row(one, block, row) for block in one.blocks for row in block.rows],
        "missing": [{"layout": name, "reason": reason} for name, reason in one.missing],
    }
    return json.dumps(data, indent=2) + "\n"


def _column(one: Column) -> dict[str, Any]:
    return {"name": one.name, "meaning": one.meaning, "claims": [{"name": name, "codes": list(codes)} for name, codes in one.claims]}


def _row(matrix: Matrix, block: Block, row: Row) -> dict[str, Any]:
    return {
        "arch": block.arch,
        "layout": block.layout,
        "variant": block.variants[0],
        "config": block.config,
        "provenance": block.provenance,
        "level": row.level,
        "folded": row.folded or None,
        "cells": {column.name: _cell(cell) for column, cell in zip(matrix.columns, row.cells, strict=bool(row.cells))},
    }


def _cell(one: Cell) -> dict[str, Any]:
    return {
        "value": one.text,
        "standing": one.standing,
        "claims": [{**asdict(claim), "known": claim.known or None} for claim in one.claims],
        "counts": [asdict(count) for count in one.counts],
        "reasons": list(one.reasons),
        **({"bits": one.where} if one.where else {}),
    }
