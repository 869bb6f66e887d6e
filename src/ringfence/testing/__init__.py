"""Public test kit: fakes of every port and one contract suite per port."""
