"""What several benchmarks share: places to run in, generated data, and the plain ways that they compare with."""
