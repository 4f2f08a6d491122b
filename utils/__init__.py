"""What the commands share; each file is one noun. Nothing here imports `agent` or `env`."""
