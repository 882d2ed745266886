"""One case per file: what is measured, against which baseline, with which goals."""
