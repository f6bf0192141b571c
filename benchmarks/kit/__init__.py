"""The parts of a benchmark: tools, targets, loads, measurements, results, report."""
