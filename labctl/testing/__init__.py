"""The public test kit: fault plans, proxies, virtual benches."""
