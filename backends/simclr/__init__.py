"""SimCLR and its relatives: augmentations, contrastive losses, encoders, live training, the colour experiment."""
