"""What Redcat's processes tell Prometheus."""
