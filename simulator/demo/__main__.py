"""`python -m simulator.demo`, which `make demo` calls."""

from simulator.demo.command import command

command(prog_name="make demo")
