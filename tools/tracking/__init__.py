"""What tools/benchmark_tracking.py measures, a module for each question."""
