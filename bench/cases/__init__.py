"""One case per file: what is measured, beside which baseline, with which goals."""
