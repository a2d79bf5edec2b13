"""What an answer used: tokens as the provider reports them, or as they can be estimated."""
