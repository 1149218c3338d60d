"""The doors onto tickets, check-in, the ticket desk and the gate."""
