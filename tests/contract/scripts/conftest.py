"""The scripts are run by `test_scripts_004.py`, against a system of their own."""

collect_ignore = ["test_api.py"]
