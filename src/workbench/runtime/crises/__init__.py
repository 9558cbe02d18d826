"""The crises of the policy, replayed: with controls, without, and with a placebo of equal exposure."""
