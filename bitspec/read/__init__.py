"""The readings of an expression: as Python ints, known bits, C and prose.  The Z3 reading lives in :mod:`bitspec.solver`."""
