"""Anthropic's Messages for providers that do not speak it: requests into chats, chats back into messages and their events."""
