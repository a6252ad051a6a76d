"""64-bit SPARC: how to lift its headers; no hardware facts yet."""
