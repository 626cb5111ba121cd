"""The dashboard: what people see of the counters in a browser, live, each party its own."""
