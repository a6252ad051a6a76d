"""32-bit Arm, ARMv7-A: the long-descriptor format (LPAE), and the short-descriptor one beside tables of Linux's own."""
