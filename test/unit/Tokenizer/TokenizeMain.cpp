// Prints the ids of texts, for comparison with another implementation.
//
//   TokenizeMain TOKENIZER_JSON [--no-special] [--plain] [--decode] [--time]
//
// Standard input holds texts, each followed by a NUL byte; in a text, \0 stands for a NUL and \\ for a backslash. Each
// gives a line of ids separated by spaces, or a line that begins with "error: ". With --decode, a second line holds the
// decoded text as a JSON string. With --time, processor times go to standard error.
#include "Support/Json.h"
#include "Tokenizer/Tokenizer.h"

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

static std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    out += c == '0' ? '\0' : c;
  }
  return out;
}

int main(int argc, char **argv) {
  bool special = true, parse = true, decode = false, timing = false;
  for (int i = 2; i < argc; ++i) {
    std::string_view option = argv[i];
    special = special && option != "--no-special";
    parse = parse && option != "--plain";
    decode = decode || option == "--decode";
    timing = timing || option == "--time";
  }
  if (argc < 2)
    return 2;
  std::ifstream file(argv[1], std::ios::binary);
  std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::clock_t begin = std::clock();
  auto elapsed = [&] {
    std::clock_t now = std::clock();
    return 1e3 * static_cast<double>(now - std::exchange(begin, now)) / CLOCKS_PER_SEC;
  };
  auto tokenizer = yoke::Tokenizer::load(json, argv[1]);
  if (timing)
    std::cerr << "load " << elapsed() << " ms\n";
  if (!tokenizer) {
    std::cerr << tokenizer.error().message << '\n';
    return yoke::exitCode(tokenizer.error().kind);
  }
  std::string text;
  while (std::getline(std::cin, text, '\0')) {
    text = unescape(text);
    elapsed();
    auto ids = tokenizer->encode(text, special, parse);
    if (timing)
      std::cerr << "encode " << text.size() << " bytes: " << elapsed() << " ms\n";
    if (!ids) {
      std::cout << "error: " << ids.error().message << '\n';
      continue;
    }
    std::string line;
    for (int32_t id : *ids)
      line += std::to_string(id) + ' ';
    std::cout << line << '\n';
    if (decode)
      std::cout << yoke::dumpJson(tokenizer->decode(*ids)) << '\n';
  }
  return 0;
}
