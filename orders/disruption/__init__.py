"""Disruption: flights are delayed, retimed, change their aircraft or are cancelled, and nobody is forgotten."""
