"""`python -m ringfence`, and the `ringfence` command."""

from ringfence.app.cli.root import main

if __name__ == "__main__":
    main()
