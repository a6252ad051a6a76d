"""64-bit LoongArch: how to lift its headers; no hardware facts yet."""
