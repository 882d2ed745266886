"""HTTP: API Gateway's event in, a response or a problem out."""
