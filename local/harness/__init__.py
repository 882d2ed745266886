"""What demo, load, soak, bench and the fault campaign share."""
