#include "Tuning/KernelChoice.h"

#include <algorithm>
#include <charconv>

namespace yoke {

const std::array<KernelChoice::Parameter, 5> &KernelChoice::parameters() {
  static constexpr std::array<Parameter, 5> all = {{{"rows", &KernelChoice::rows, 1, 12},
                                                    {"unroll", &KernelChoice::unroll, 1, 8},
                                                    {"prefetch", &KernelChoice::prefetch, 0, 65536},
                                                    {"dealt", &KernelChoice::dealt, 0, 1024},
                                                    {"panels", &KernelChoice::panels, 1, 64}}};
  return all;
}

std::string KernelChoice::text() const {
  std::string text;
  for (const Parameter &parameter : parameters())
    if (this->*parameter.value != KernelChoice().*parameter.value)
      text += fmt::format("{}{}={}", text.empty() ? "" : ",", parameter.name, this->*parameter.value);
  return text;
}

Result<KernelChoice> KernelChoice::parse(std::string_view text, std::string_view source) {
  KernelChoice choice;
  std::array<bool, std::tuple_size_v<std::decay_t<decltype(parameters())>>> seen = {};
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals), digits = part.substr(std::min(equals + 1, part.size()));
    const auto *parameter = std::ranges::find(parameters(), name, &Parameter::name);
    if (parameter == parameters().end())
      return malformed("{}: choice: expected rows, unroll, prefetch, dealt or panels, found \"{}\"", source, name);
    bool &already = seen[static_cast<size_t>(parameter - parameters().begin())];
    int64_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (already || code != std::errc() || end != digits.data() + digits.size() || value < parameter->least ||
        value > parameter->most)
      return malformed("{}: choice: expected {} once, an integer in [{}, {}], found \"{}\"", source, name,
                       parameter->least, parameter->most, digits);
    already = true;
    choice.*parameter->value = value;
  }
  return choice;
}

} // namespace yoke
