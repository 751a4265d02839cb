"""`python -m sayso` is the command `sayso`, also for launchers that start a module in several processes."""

from sayso.cli.main import main

if __name__ == "__main__":
    main()
