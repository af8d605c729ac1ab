"""What sets a machine up for this project. Standard library only: it also has to run before there is a `.venv`."""
