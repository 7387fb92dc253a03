"""The feed: market data of the event log, published, recovered and read."""
