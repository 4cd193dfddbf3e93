"""What tools/benchmark_spotting.py is made of."""
