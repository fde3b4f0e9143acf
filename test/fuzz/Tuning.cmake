yoke_add_fuzzer(Tuning LIBS YokeTuning)
