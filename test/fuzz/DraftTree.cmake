yoke_add_fuzzer(DraftTree LIBS YokeRuntime)
