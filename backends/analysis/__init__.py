"""What is measured on finished and running models: analogies, neighbours, projections."""
