yoke_add_fuzzer(Manifest LIBS YokePackage)
