"""Charts and traces: Prometheus metrics, and spans over OTLP."""
