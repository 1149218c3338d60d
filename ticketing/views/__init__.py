"""The pages of tickets, check-in and the gate."""
