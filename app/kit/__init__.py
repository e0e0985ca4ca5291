"""What every floor may use: errors, clock, translation."""
