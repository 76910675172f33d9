"""Everything that computes: data, models, trainers and measurements. Imports torch, never gradio."""
