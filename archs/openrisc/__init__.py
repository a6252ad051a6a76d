"""OpenRISC: two TLBs that software fills from one entry, each with its own part of it."""
