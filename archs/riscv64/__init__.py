"""64-bit RISC-V: Sv39, Sv48 and Sv57, with and without Svnapot and Svpbmt."""
