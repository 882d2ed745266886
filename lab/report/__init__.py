"""The report of the lab: one page, `out/lab/index.html`, which needs no network."""
