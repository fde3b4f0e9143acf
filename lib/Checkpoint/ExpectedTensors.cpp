#include "Checkpoint/ExpectedTensors.h"

#include "Support/Text.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <set>

namespace yoke {

Status checkTensors(const Checkpoint &checkpoint, std::span<const ExpectedTensor> expected,
                    const std::function<bool(std::string_view)> &mayBeExtra) {
  NameList missing, reshaped, extra;
  std::set<std::string_view> known;
  for (const ExpectedTensor &want : expected) {
    known.insert(want.name);
    const TensorInfo *have = checkpoint.find(want.name);
    if (!have)
      missing.add(want.name);
    else if (!std::ranges::equal(have->shape, want.shape))
      reshaped.add(fmt::format("{} is [{}], config.json asks for [{}]", want.name, fmt::join(have->shape, ", "),
                               fmt::join(want.shape, ", ")));
  }
  for (const TensorInfo *have : checkpoint.tensors())
    if (!known.contains(have->name) && !mayBeExtra(have->name))
      extra.add(have->name);

  std::string problems;
  auto report = [&](const NameList &names, std::string_view what) {
    if (!names.empty())
      problems += fmt::format("{}{} {}: {}", problems.empty() ? "" : "; ", names.size(), what, names.text());
  };
  report(missing, "tensors are missing");
  report(reshaped, "tensors have another shape");
  report(extra, "tensors are not part of the model");
  if (!problems.empty())
    return malformed("{}: {}", printable(checkpoint.folder(), 4096), problems);
  return {};
}

} // namespace yoke
