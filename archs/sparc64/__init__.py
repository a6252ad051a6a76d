"""64-bit SPARC: tables that only software walks, and a TLB of translation table entries in two formats."""
