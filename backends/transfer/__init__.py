"""From a foundation model to a downstream task: what an encoder is worth where labels are few."""
