"""`python -m app` is `redcat`."""

from app.cli import main

if __name__ == "__main__":
    main()
