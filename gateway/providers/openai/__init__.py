"""The `openai` wire: OpenAI itself, and every server that claims to be compatible with it."""
