"""m68k with a Motorola MMU: how to lift its headers; no hardware facts yet."""
