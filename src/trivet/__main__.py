"""``python -m trivet``: the same as the ``trivet`` command."""

from trivet.cli.main import main

if __name__ == "__main__":
    main()
