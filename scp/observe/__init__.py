"""Log and metrics: structlog's set-up, the canonical lines, the counters, and what ``/metrics`` makes of them."""
