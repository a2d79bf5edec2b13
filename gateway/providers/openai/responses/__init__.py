"""OpenAI's Responses, where the provider has them itself: bytes go on as they are, but for the model and the response's id."""
