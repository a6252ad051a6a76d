"""32-bit RISC-V: how to lift its headers; no hardware facts yet."""
