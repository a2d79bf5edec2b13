"""OpenAI's Responses as a dialect: its requests as chats, and chats' answers as its resources and numbered events."""
