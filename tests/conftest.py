"""What holds for the whole suite."""

from tests import effort

effort.use()
