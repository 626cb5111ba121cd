"""Hard input: policies, journeys and records from small worlds, where everything collides with everything."""
