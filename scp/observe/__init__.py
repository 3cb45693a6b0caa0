"""What the node tells: structlog set-up, and the canonical lines."""
