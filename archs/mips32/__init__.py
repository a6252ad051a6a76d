"""32-bit MIPS: how to lift its headers; no hardware facts yet."""
