yoke_add_fuzzer(Package LIBS YokePackage)
