"""The `azure` wire: OpenAI's API as Azure serves it, in its v1 form and in the dated one with a deployment in the path."""
