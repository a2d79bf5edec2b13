"""The APIs that callers speak beside OpenAI's chat: each into a chat, and the answer of a chat back into each. Pure."""
