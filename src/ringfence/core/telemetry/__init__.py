"""What is told about calls, runs and stops for charts and traces: names from the configuration, numbers and ids."""
