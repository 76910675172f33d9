"""What the first page needs: odd-one-out among creatures without names, and a picture of every tab."""
