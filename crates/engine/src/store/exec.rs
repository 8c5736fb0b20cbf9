//! Executing intents on the store: what the API server does with a write.
