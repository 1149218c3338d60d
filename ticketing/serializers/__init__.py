"""Shapes in and out of the calls of `ticketing/viewsets`."""
