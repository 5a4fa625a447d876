"""``python -m bench capacity``: the highest rate that keeps the bounds, and what stands in the way of a higher one."""
