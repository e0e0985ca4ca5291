"""One candidate, one paper, one clock: timing, states, transcript."""
