"""bitspec: the language of page-table layouts and the engine that decides about them."""

__version__ = "0.1.0"
