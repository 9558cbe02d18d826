"""The words everything else is said in: currencies, pairs, legs, books, policy, errors."""
