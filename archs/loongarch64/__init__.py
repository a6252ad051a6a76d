"""64-bit LoongArch: tables that software walks with lddir and ldpte, and pages of 4, 16 and 64 KiB."""
