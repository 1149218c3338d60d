"""Examples of the calls of `ticketing/viewsets` for the API's documentation."""
