"""What every method shares: the trainer contract, configs, devices, checkpoints, the list of methods."""
