"""What managers see in Grafana, written as code: dashboards, Prometheus rules, alerts.

Generates files for Grafana and Prometheus to read; it must not import the product nor ask it
anything: the metrics' names are all that the two share.
"""
