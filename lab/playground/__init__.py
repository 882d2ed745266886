"""The playground: the protocol of stages 4 to 9 in a browser, as one file without a network."""
