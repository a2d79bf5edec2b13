"""Gemini's `generateContent` for providers that do not speak it: requests into chats, chats back into candidates."""
