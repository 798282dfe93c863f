"""What Salon says about itself to machines: numbers for Prometheus, and the id of a request in every line of a log."""
