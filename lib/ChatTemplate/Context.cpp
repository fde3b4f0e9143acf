#include "ChatTemplate/Context.h"

#include <algorithm>

namespace yoke::chat {

namespace {
constexpr size_t BytesPerStep = 64;
constexpr int64_t StepsPerNamespace = 8;
constexpr int64_t StepsPerEntry = 4;
} // namespace

Status Context::stepsExceeded() const { return error("more than {} steps", bounds.steps); }

Status Context::chargeText(size_t bytes) {
  if (bytes > bounds.outputBytes)
    return error("text of more than {} bytes", bounds.outputBytes);
  return charge(1 + static_cast<int64_t>(bytes / BytesPerStep));
}

Status Context::append(MarkedText &out, const MarkedText &text, size_t begin, size_t end) {
  if (out.size() + (end - begin) > bounds.outputBytes)
    return error("text of more than {} bytes", bounds.outputBytes);
  size_t runsBefore = out.runs().size();
  out.append(text, begin, end);
  return charge(1 + static_cast<int64_t>((end - begin) / BytesPerStep + (out.runs().size() - runsBefore) / 4));
}

Status Context::append(MarkedText &out, std::string_view text, bool isInput) {
  YOKE_TRY(chargeText(text.size()));
  if (out.size() + text.size() > bounds.outputBytes)
    return error("text of more than {} bytes", bounds.outputBytes);
  out.append(text, isInput);
  return {};
}

Result<int> Context::depthOver(int deepest) const {
  if (deepest >= MaxValueDepth)
    return error("values nested more than {} deep", MaxValueDepth);
  return deepest + 1;
}

Result<Value> Context::makeSequence(std::vector<Value> items, SequenceKind kind) {
  YOKE_TRY(charge(1 + static_cast<int64_t>(items.size())));
  int deepest = 0;
  for (const Value &item : items)
    deepest = std::max(deepest, item.depth());
  auto sequence = std::make_shared<Sequence>();
  sequence->depth = YOKE_TRY(depthOver(deepest));
  sequence->items = std::move(items);
  sequence->kind = kind;
  return Value(SequencePtr(std::move(sequence)));
}

Result<Value> Context::makeDict(Dict dict) {
  YOKE_TRY(charge(1 + StepsPerEntry * static_cast<int64_t>(dict.entries.size())));
  int deepest = 0;
  for (const auto &[key, value] : dict.entries)
    deepest = std::max({deepest, key.depth(), value.depth()});
  dict.depth = YOKE_TRY(depthOver(deepest));
  return Value(DictPtr(std::make_shared<const Dict>(std::move(dict))));
}

Result<Value> Context::makeNamespace() {
  YOKE_TRY(charge(StepsPerNamespace));
  return Value(&namespaces.emplace_back());
}

} // namespace yoke::chat
