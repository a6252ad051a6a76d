"""32-bit x86: PAE paging, and 32-bit paging with two levels."""
