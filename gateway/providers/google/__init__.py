"""The `google` wire: Gemini's own API, `generateContent`."""
