"""`python -m dagames`, the same as the command `dagames`."""

from dagames.cli.main import main

if __name__ == "__main__":
    main()
