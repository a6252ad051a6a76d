"""32-bit Arm: how to lift its headers; no hardware facts yet."""
