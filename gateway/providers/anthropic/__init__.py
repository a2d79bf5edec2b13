"""The `anthropic` wire: Claude's Messages API, at Anthropic and wherever else it is spoken."""
