// Finds many fixed strings in a text at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Leftmost-longest search for any of a set of strings, in time linear in the text whatever the strings are: an
/// Aho-Corasick automaton of the reversed strings runs over the text from right to left, and so learns for every
/// position the longest string that starts there.
class PatternSet {
public:
  struct Match {
    size_t begin, end;
    int32_t value;
  };

  /// False when the pattern is empty or was added before. Call `build` after the last.
  bool add(std::string_view pattern, int32_t value);
  void build();

  /// Replaces `matches` by all matches, from left to right, which do not overlap.
  void find(std::string_view text, std::vector<Match> &matches) const;

  bool empty() const { return values.empty(); }

private:
  using Node = uint32_t;
  static constexpr Node Missing = UINT32_MAX;
  struct Entry {
    Node fail = 0;
    int32_t longest = -1; ///< index of the longest pattern that ends (reversed) here
    Node firstChild = Missing, nextSibling = Missing;
    unsigned char label = 0;
  };
  Node child(Node node, unsigned char label) const;
  Node next(Node node, unsigned char label) const;

  std::vector<Entry> nodes{1};
  std::vector<int32_t> values;
  std::vector<size_t> lengths;
  std::vector<Node> rootChildren = std::vector<Node>(256, Missing);
};

} // namespace yoke
