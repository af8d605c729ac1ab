"""Draws a dashboard without Grafana: each panel's query result from a Prometheus, in the same layout, as one SVG."""
