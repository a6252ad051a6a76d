"""32-bit x86: how to lift its headers; no hardware facts yet."""
