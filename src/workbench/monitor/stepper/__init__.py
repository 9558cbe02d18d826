"""Going through events one by one: buttons where a kernel answers, a still picture and tables where none does."""
