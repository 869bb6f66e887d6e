"""For the code of an agent: a run, and a vendor's client that asks the gateway about everything. Start at claude.py."""
