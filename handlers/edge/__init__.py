"""Lambda's side: API Gateway and Kafka events in, responses and problem details out."""
