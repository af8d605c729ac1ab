"""`python -m stagekeeper` is the command `stagekeeper`."""

from stagekeeper.cli import main

if __name__ == "__main__":
    main()
