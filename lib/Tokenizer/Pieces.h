// A text on its way from the caller to the model: normalized first, then cut into pieces.
#pragma once

#include "Tokenizer/Utf8.h"

#include <string>
#include <vector>

namespace yoke {

/// A text that normalizers change. Metaspace's prepend scheme "first" asks whether a piece begins where the caller's
/// text begins, so the leading bytes that stem from its first character are counted along.
struct Text {
  std::string bytes;
  bool atStart = false; ///< begins with the first character of the caller's text
  size_t front = 0;     ///< leading bytes that stem from that character; only with atStart
};

/// Builds the changed form of a text character by character.
class Rewriter {
public:
  explicit Rewriter(const Text &in) : in(in), tracking(in.atStart) { out.bytes.reserve(in.bytes.size() + 16); }

  /// Puts `c` in the place of the next character.
  void keep(char32_t c) {
    put(c, cursor < in.front);
    advance();
  }
  /// Puts `c` between the previous and the next character.
  void insert(char32_t c) { put(c, cursor <= in.front); }
  /// Leaves out the next character.
  void drop() { advance(); }

  Text finish() {
    out.atStart = in.atStart;
    return std::move(out);
  }

private:
  void put(char32_t c, bool fromFront) {
    size_t before = out.bytes.size();
    appendCodePoint(out.bytes, c);
    if (tracking && fromFront)
      out.front += out.bytes.size() - before;
  }
  void advance() {
    if (!tracking)
      return;
    cursor += cursor < in.bytes.size() ? utf8Length(in.bytes[cursor]) : 1;
    tracking = cursor <= in.front;
  }

  const Text &in;
  Text out;
  size_t cursor = 0;
  bool tracking;
};

/// A piece of PreTokenized::text, or a token that stands already.
struct Piece {
  static constexpr int32_t NoToken = -1;
  size_t begin, end;
  int32_t token = NoToken;
  bool atStart = false; ///< as in Text
  size_t front = 0;     ///< as in Text

  bool isText() const { return token == NoToken; }
};

/// The part [from, to) of a piece; offsets count from the piece's begin.
inline Piece slice(const Piece &piece, size_t from, size_t to) {
  Piece part{piece.begin + from, piece.begin + to, Piece::NoToken, piece.atStart && from < piece.front, 0};
  if (part.atStart)
    part.front = std::min(piece.front, to) - from;
  return part;
}

struct PreTokenized {
  std::string text;
  std::vector<Piece> pieces;

  std::string_view view(const Piece &piece) const {
    return std::string_view(text).substr(piece.begin, piece.end - piece.begin);
  }
};

} // namespace yoke
