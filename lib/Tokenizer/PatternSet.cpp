#include "Tokenizer/PatternSet.h"

#include <algorithm>

namespace yoke {

PatternSet::Node PatternSet::child(Node node, unsigned char label) const {
  if (node == 0)
    return rootChildren[label];
  for (Node at = nodes[node].firstChild; at != Missing; at = nodes[at].nextSibling)
    if (nodes[at].label == label)
      return at;
  return Missing;
}

bool PatternSet::add(std::string_view pattern, int32_t value) {
  if (pattern.empty())
    return false;
  Node node = 0;
  for (size_t i = pattern.size(); i-- > 0;) {
    unsigned char label = static_cast<unsigned char>(pattern[i]);
    Node to = child(node, label);
    if (to == Missing) {
      to = static_cast<Node>(nodes.size());
      Entry entry;
      entry.label = label;
      if (node == 0) {
        rootChildren[label] = to;
      } else {
        entry.nextSibling = nodes[node].firstChild;
        nodes[node].firstChild = to;
      }
      nodes.push_back(entry);
    }
    node = to;
  }
  if (nodes[node].longest >= 0)
    return false;
  nodes[node].longest = static_cast<int32_t>(values.size());
  values.push_back(value);
  lengths.push_back(pattern.size());
  return true;
}

PatternSet::Node PatternSet::next(Node node, unsigned char label) const {
  for (;; node = nodes[node].fail) {
    Node to = child(node, label);
    if (to != Missing)
      return to;
    if (node == 0)
      return 0;
  }
}

void PatternSet::build() {
  std::vector<Node> order;
  for (Node node : rootChildren)
    if (node != Missing)
      order.push_back(node);
  for (size_t i = 0; i < order.size(); ++i) {
    Node node = order[i];
    // A pattern that ends here is longer than any that ends at the shorter suffix.
    if (nodes[node].longest < 0)
      nodes[node].longest = nodes[nodes[node].fail].longest;
    for (Node to = nodes[node].firstChild; to != Missing; to = nodes[to].nextSibling) {
      nodes[to].fail = next(nodes[node].fail, nodes[to].label);
      order.push_back(to);
    }
  }
}

void PatternSet::find(std::string_view text, std::vector<Match> &matches) const {
  matches.clear();
  if (values.empty())
    return;
  Node node = 0;
  for (size_t begin = text.size(); begin-- > 0;) {
    node = next(node, static_cast<unsigned char>(text[begin]));
    if (int32_t longest = nodes[node].longest; longest >= 0) {
      size_t pattern = static_cast<size_t>(longest);
      matches.push_back({begin, begin + lengths[pattern], values[pattern]});
    }
  }
  std::reverse(matches.begin(), matches.end());
  size_t count = 0, end = 0;
  for (const Match &match : matches)
    if (match.begin >= end) {
      end = match.end;
      matches[count++] = match;
    }
  matches.resize(count);
}

} // namespace yoke
