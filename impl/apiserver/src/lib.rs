//! What the API server decides for each request.
