yoke_add_fuzzer(TokenizerEncode LIBS YokeTokenizer)
target_compile_definitions(TokenizerEncodeFuzzer PRIVATE YOKE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
