"""Market data in: sources, calendar, quality, the store, the book. Nothing heavy is imported here.

Submodules
----------
rates      `DailyRates`, the daily fixes every calibration reads, cut at an as-of date
calendar   TARGET fixing days, FX market hours, the as-of date
sources    where prices come from: the ECB history (default), a user's CSV or Parquet file
ingest     from a user's file to the store, or a refusal with reasons
quality    what is checked, what is flagged, what is refused
store      Parquet by pair and timeframe, queried with DuckDB
book       `book.csv` to a `Book`
"""
