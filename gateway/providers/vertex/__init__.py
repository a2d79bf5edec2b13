"""The `vertex` wire: Google's Gemini and Anthropic's Claude as Google Cloud serves them."""
