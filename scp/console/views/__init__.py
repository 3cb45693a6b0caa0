"""What each page shows, as frozen values; the API gives the same as JSON."""
