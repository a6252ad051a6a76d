"""32-bit powerpc (book3s): how to lift its headers; no hardware facts yet."""
