"""The risk monitor put together: which journal, which page, which token, and what its server may see."""
