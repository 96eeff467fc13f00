"""What a run can show for its claims: smoke results, comparisons, logs, the report."""
