"""Reporting: a star schema fed by the events only, the metrics of recovery, and read access for BI tools."""
