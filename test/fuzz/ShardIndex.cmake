yoke_add_fuzzer(ShardIndex LIBS YokeCheckpoint)
