"""The live loop: one book, watched and protected, from a journal that everything can be rebuilt from."""
