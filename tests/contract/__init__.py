"""What every store must do: the same tests on memory, Valkey and Redis 7."""
