"""What scenarios say together: measures, the placebo, the table, the ablation, the way back."""
