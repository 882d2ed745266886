"""AWS: secrets and the batches that Lambda gave up."""
