"""Everything that the browser sees. Imports gradio, never torch."""
