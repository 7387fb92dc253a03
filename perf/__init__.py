"""Benchmarks: workloads, one file a stage, results printed with their method."""
