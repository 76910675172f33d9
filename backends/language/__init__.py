"""BERT, T5 and GPT: three ways in which raw text labels itself, on one text and one transformer."""
