"""AWS Bedrock's Converse for providers that do not speak it: requests into chats, chats back into answers and their frames.

Converse says what Anthropic's Messages says, in other words. So its blocks become those of Messages, and the rest of the way
is the same (`gateway.dialects.messages`).
"""
