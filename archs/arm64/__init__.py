"""arm64: AArch64 stage 1 translation at EL1&0 with 4K, 16K and 64K pages, with and without 52-bit addresses."""
