"""What proves a figure: the answers' own words, the service's counters, and the rules by which they must agree."""
