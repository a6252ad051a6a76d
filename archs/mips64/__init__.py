"""64-bit MIPS: a TLB that software fills with pairs of entries, and pages of 4, 16 and 64 KiB."""
