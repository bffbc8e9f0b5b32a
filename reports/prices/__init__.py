"""The shipped price tables, as data: `hours.csv`, `work.csv`, `engineering.csv`. Read by `reports.costs.tables` only.

Every row names its source and the date of its oldest figure; `reports.costs.stale()` warns after 90 days.
"""
