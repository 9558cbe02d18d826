"""Alerts and the incidents they belong to: one for each cause, paged until somebody acknowledges."""
