"""The `bedrock` wire: AWS Bedrock's Converse for every model, and Anthropic's own form, through InvokeModel, for Claude."""
