"""`doctor`: what is weak around a gateway. Facts are gathered (`gather.py`), judged purely, and reported (`report.py`)."""
