yoke_add_fuzzer(Json LIBS YokeSupport)
