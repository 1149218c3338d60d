"""What measures speed; never part of the tests. `python -m benchmarks` is benchmarks/load.py."""
