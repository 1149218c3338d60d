"""What is typed at an airport: at the departures board, the check-in desk and the gate."""
