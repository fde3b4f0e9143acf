yoke_add_fuzzer(Pattern LIBS YokeRuntime)
