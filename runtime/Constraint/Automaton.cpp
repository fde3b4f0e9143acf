#include "runtime/Constraint/Automaton.h"

#include <algorithm>

namespace yoke {
namespace {

constexpr size_t maxPositions = 200'000;

struct Encoded {
  std::array<uint8_t, 4> bytes;
  int length;
};

Encoded encode(uint32_t point) {
  auto tail = [&](int shift) { return static_cast<uint8_t>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80)
    return {{static_cast<uint8_t>(point)}, 1};
  if (point < 0x800)
    return {{static_cast<uint8_t>(0xC0 | point >> 6), tail(0)}, 2};
  if (point < 0x10000)
    return {{static_cast<uint8_t>(0xE0 | point >> 12), tail(6), tail(0)}, 3};
  return {{static_cast<uint8_t>(0xF0 | point >> 18), tail(12), tail(6), tail(0)}, 4};
}

} // namespace

Result<Automaton> Automaton::build(const PatternNode &pattern) {
  Automaton automaton;
  const int32_t first = YOKE_TRY(automaton.addPosition());
  automaton.final = YOKE_TRY(automaton.compile(pattern, first));
  YOKE_TRY(automaton.intern({first}));
  return automaton;
}

Result<int32_t> Automaton::addPosition() {
  if (positions.size() >= maxPositions)
    return malformed("pattern: it needs more than {} positions", maxPositions);
  positions.emplace_back();
  return static_cast<int32_t>(positions.size()) - 1;
}

/// Returns the position where a match that begins at `from` ends.
Result<int32_t> Automaton::compile(const PatternNode &node, int32_t from) {
  switch (node.kind) {
  case PatternNode::Kind::Set: {
    const int32_t to = YOKE_TRY(addPosition());
    YOKE_TRY(compileSet(node, from, to));
    return to;
  }
  case PatternNode::Kind::Concat:
    for (const PatternNode &child : node.children)
      from = YOKE_TRY(compile(child, from));
    return from;
  case PatternNode::Kind::Alternate: {
    const int32_t to = YOKE_TRY(addPosition());
    for (const PatternNode &child : node.children) {
      const int32_t begin = YOKE_TRY(addPosition());
      positions[from].empty.push_back(begin);
      const int32_t end = YOKE_TRY(compile(child, begin));
      positions[end].empty.push_back(to);
    }
    return to;
  }
  case PatternNode::Kind::Repeat:
    break;
  }
  const PatternNode &child = node.children.front();
  for (int32_t i = 0; i < node.least; ++i)
    from = YOKE_TRY(compile(child, from));
  const int32_t to = YOKE_TRY(addPosition());
  if (node.most == PatternNode::unlimited) {
    const int32_t loop = YOKE_TRY(addPosition());
    positions[from].empty.push_back(loop);
    const int32_t end = YOKE_TRY(compile(child, loop));
    positions[end].empty.push_back(loop);
    positions[loop].empty.push_back(to);
    return to;
  }
  positions[from].empty.push_back(to);
  for (int32_t i = node.least; i < node.most; ++i) {
    from = YOKE_TRY(compile(child, from));
    positions[from].empty.push_back(to);
  }
  return to;
}

Status Automaton::compileSet(const PatternNode &node, int32_t from, int32_t to) {
  for (auto [low, high] : node.ranges)
    YOKE_TRY(compileRange(low, high, from, to));
  return {};
}

/// Splits a range of code points until its bytes vary independently.
Status Automaton::compileRange(uint32_t low, uint32_t high, int32_t from, int32_t to) {
  for (uint32_t longest : {0x7FU, 0x7FFU, 0xFFFFU})
    if (low <= longest && longest < high) {
      YOKE_TRY(compileRange(low, longest, from, to));
      return compileRange(longest + 1, high, from, to);
    }
  const Encoded first = encode(low), last = encode(high);
  for (int tail = 1; tail < first.length; ++tail) {
    const uint32_t mask = (1U << (6 * tail)) - 1;
    if ((low & ~mask) == (high & ~mask))
      continue;
    if ((low & mask) != 0) {
      YOKE_TRY(compileRange(low, low | mask, from, to));
      return compileRange((low | mask) + 1, high, from, to);
    }
    if ((high & mask) != mask) {
      YOKE_TRY(compileRange(low, (high & ~mask) - 1, from, to));
      return compileRange(high & ~mask, high, from, to);
    }
  }
  for (int i = 0; i < first.length; ++i) {
    const int32_t target = i + 1 == first.length ? to : YOKE_TRY(addPosition());
    positions[from].arcs.push_back({first.bytes[static_cast<size_t>(i)], last.bytes[static_cast<size_t>(i)], target});
    from = target;
  }
  return {};
}

/// Adds what is reached without a byte, and keeps what matters.
void Automaton::close(std::vector<int32_t> &set) const {
  std::vector<int32_t> stack = std::move(set);
  set.clear();
  std::vector<bool> marked(positions.size(), false);
  for (int32_t position : stack)
    marked[position] = true;
  while (!stack.empty()) {
    const int32_t position = stack.back();
    stack.pop_back();
    if (!positions[position].arcs.empty() || position == final)
      set.push_back(position);
    for (int32_t next : positions[position].empty)
      if (!marked[next]) {
        marked[next] = true;
        stack.push_back(next);
      }
  }
  std::ranges::sort(set);
}

Result<Automaton::State> Automaton::intern(std::vector<int32_t> set) {
  close(set);
  if (auto known = numbers.find(set); known != numbers.end())
    return known->second;
  if (states.size() >= maxStates)
    return outOfResources("pattern: it needs more than {} states", maxStates);
  const auto number = static_cast<State>(states.size());
  Subset subset{set, std::ranges::binary_search(set, final), {}};
  subset.targets.fill(unknown);
  states.push_back(std::move(subset));
  numbers.emplace(std::move(set), number);
  return number;
}

Result<Automaton::State> Automaton::next(State state, uint8_t byte) {
  const int32_t known = states[static_cast<size_t>(state)].targets[byte];
  if (known != unknown)
    return known;
  std::vector<int32_t> reached;
  for (int32_t position : states[static_cast<size_t>(state)].positions)
    for (const Arc &arc : positions[position].arcs)
      if (arc.low <= byte && byte <= arc.high)
        reached.push_back(arc.target);
  std::ranges::sort(reached);
  reached.erase(std::ranges::unique(reached).begin(), reached.end());
  const State target = reached.empty() ? dead : YOKE_TRY(intern(std::move(reached)));
  states[static_cast<size_t>(state)].targets[byte] = target;
  return target;
}

} // namespace yoke
