"""The forms of the pages on which bookings are sold, found, served and checked in."""
