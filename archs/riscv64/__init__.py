"""64-bit RISC-V: Sv39, Sv48 and Sv57, with and without Svnapot, Svpbmt and Svrsw60t59b, and T-Head's memory types."""
