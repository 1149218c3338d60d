#!/usr/bin/env python
import os
import sys

from skybridge.embedded import state, supervisor


def main() -> None:
    if sys.argv[1:2] == ["up"]:
        sys.exit(supervisor.main(sys.argv[2:]))
    state.load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
    # Imported here, so that the supervisor, which lives as long as the system, stays without Django.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
