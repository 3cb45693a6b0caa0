"""What the node tells: structlog set-up, the canonical lines, what is counted, and the metrics made of it."""
