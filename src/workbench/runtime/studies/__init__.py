"""Studies behind the exploring notebooks: do alarms warn, what do the controls save."""
