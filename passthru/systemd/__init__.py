"""passthru under systemd: its units, and the steps that install them and take them away."""
