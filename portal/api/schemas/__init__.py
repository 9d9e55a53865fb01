"""The shapes of what calls send and get, one file a noun; the OpenAPI description is made of them."""
