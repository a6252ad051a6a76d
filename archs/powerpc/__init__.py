"""powerpc, 64-bit Book III-S server CPUs (book3s64): radix and hash translation."""
