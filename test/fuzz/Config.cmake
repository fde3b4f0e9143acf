if(NOT YOKE_RUNTIME_ONLY)
  yoke_add_fuzzer(ConfigImport LIBS YokeImport)
  target_compile_definitions(ConfigImportFuzzer PRIVATE YOKE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endif()
