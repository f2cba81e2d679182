"""What came of a run: charts, tables, discoveries."""
