#include "Tokenizer/UnicodeClasses.h"

#include <algorithm>
#include <span>
#include <string>
#include <utf8proc.h>

namespace yoke {
namespace {

struct LowerMapping {
  uint32_t from, first, second;
};
struct GraphemeStandIn {
  uint32_t first, last, standIn;
};

#include "Tokenizer/UnicodeTables.inc"

constexpr uint32_t CodePointCount = 0x110000;

/// A bit for every code point.
class CodePointSet {
public:
  explicit CodePointSet(std::span<const uint32_t> inversionList) : words(CodePointCount / 64) {
    for (size_t i = 0; i + 1 < inversionList.size(); i += 2)
      for (uint32_t c = inversionList[i]; c < inversionList[i + 1]; ++c)
        words[c / 64] |= uint64_t(1) << c % 64;
  }
  bool contains(char32_t c) const { return c < CodePointCount && (words[c / 64] >> c % 64 & 1); }

private:
  std::vector<uint64_t> words;
};

CodePointRanges fromInversionList(std::span<const uint32_t> list) {
  CodePointRanges ranges;
  for (size_t i = 0; i + 1 < list.size(); i += 2)
    ranges.emplace_back(list[i], list[i + 1] - 1);
  return ranges;
}

template <class Wanted> CodePointRanges fromRuns(std::span<const uint32_t> runs, Wanted wanted) {
  CodePointRanges ranges;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!wanted(runs[i] & 0xFF))
      continue;
    uint32_t first = runs[i] >> 8, last = (i + 1 < runs.size() ? runs[i + 1] >> 8 : CodePointCount) - 1;
    if (!ranges.empty() && ranges.back().second + 1 == first)
      ranges.back().second = last;
    else
      ranges.emplace_back(first, last);
  }
  return ranges;
}

uint8_t valueInRuns(std::span<const uint32_t> runs, char32_t c) {
  auto after = std::upper_bound(runs.begin(), runs.end(), c, [](uint32_t c, uint32_t run) { return c < run >> 8; });
  return static_cast<uint8_t>(after[-1] & 0xFF);
}

/// In the order of the values in RegexCategoryRuns.
constexpr std::string_view CategoryNames[] = {"cn", "cc", "cf", "co", "cs", "ll", "lm", "lo", "lt", "lu",
                                              "mc", "me", "mn", "nd", "nl", "no", "pc", "pd", "pe", "pf",
                                              "pi", "po", "ps", "sc", "sk", "sm", "so", "zl", "zp", "zs"};

struct CategoryAlias {
  std::string_view name, categories;
};
constexpr CategoryAlias CategoryAliases[] = {{"c", "cn cc cf co cs"},
                                             {"other", "cn cc cf co cs"},
                                             {"l", "ll lm lo lt lu"},
                                             {"letter", "ll lm lo lt lu"},
                                             {"lc", "ll lt lu"},
                                             {"casedletter", "ll lt lu"},
                                             {"m", "mc me mn"},
                                             {"mark", "mc me mn"},
                                             {"combiningmark", "mc me mn"},
                                             {"n", "nd nl no"},
                                             {"number", "nd nl no"},
                                             {"p", "pc pd pe pf pi po ps"},
                                             {"punctuation", "pc pd pe pf pi po ps"},
                                             {"s", "sc sk sm so"},
                                             {"symbol", "sc sk sm so"},
                                             {"z", "zl zp zs"},
                                             {"separator", "zl zp zs"},
                                             {"unassigned", "cn"},
                                             {"control", "cc"},
                                             {"format", "cf"},
                                             {"privateuse", "co"},
                                             {"surrogate", "cs"},
                                             {"lowercaseletter", "ll"},
                                             {"modifierletter", "lm"},
                                             {"otherletter", "lo"},
                                             {"titlecaseletter", "lt"},
                                             {"uppercaseletter", "lu"},
                                             {"spacingmark", "mc"},
                                             {"enclosingmark", "me"},
                                             {"nonspacingmark", "mn"},
                                             {"decimalnumber", "nd"},
                                             {"digit", "nd"},
                                             {"letternumber", "nl"},
                                             {"othernumber", "no"},
                                             {"connectorpunctuation", "pc"},
                                             {"dashpunctuation", "pd"},
                                             {"closepunctuation", "pe"},
                                             {"finalpunctuation", "pf"},
                                             {"initialpunctuation", "pi"},
                                             {"otherpunctuation", "po"},
                                             {"openpunctuation", "ps"},
                                             {"currencysymbol", "sc"},
                                             {"modifiersymbol", "sk"},
                                             {"mathsymbol", "sm"},
                                             {"othersymbol", "so"},
                                             {"lineseparator", "zl"},
                                             {"paragraphseparator", "zp"},
                                             {"spaceseparator", "zs"}};

CodePointRanges categoryRanges(std::string_view categories) {
  return fromRuns(RegexCategoryRuns, [&](uint32_t value) {
    return value < std::size(CategoryNames) && categories.find(CategoryNames[value]) != categories.npos;
  });
}

} // namespace

#define YOKE_CODE_POINT_CLASS(function, table)                                                                         \
  bool function(char32_t c) {                                                                                          \
    static const CodePointSet set(table);                                                                              \
    return set.contains(c);                                                                                            \
  }
YOKE_CODE_POINT_CLASS(isWhitespace, WhitespaceSet)
YOKE_CODE_POINT_CLASS(isNumeric, NumericSet)
YOKE_CODE_POINT_CLASS(isPunctuation, PunctuationSet)
YOKE_CODE_POINT_CLASS(isWord, WordSet)
YOKE_CODE_POINT_CLASS(isBertRemoved, BertRemovedSet)
YOKE_CODE_POINT_CLASS(isNonSpacingMark, NonSpacingMarkSet)
YOKE_CODE_POINT_CLASS(isCombiningMark, CombiningMarkSet)
YOKE_CODE_POINT_CLASS(isUnknownToNormalization, NormalizationUnknownSet)
#undef YOKE_CODE_POINT_CLASS

uint8_t sentencePieceScript(char32_t c) { return valueInRuns(SentencePieceScriptRuns, c); }

std::pair<char32_t, char32_t> lowerCase(char32_t c) {
  if (c < 0x80)
    return {c >= 'A' && c <= 'Z' ? c + 32 : c, 0};
  auto found = std::lower_bound(std::begin(LowerExceptions), std::end(LowerExceptions), c,
                                [](const LowerMapping &mapping, char32_t c) { return mapping.from < c; });
  if (found != std::end(LowerExceptions) && found->from == c)
    return {found->first, found->second};
  return {static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), 0};
}

static utf8proc_int32_t graphemeStandIn(char32_t c) {
  if (c >= GraphemeStandIns[0].first)
    for (const GraphemeStandIn &range : GraphemeStandIns)
      if (c >= range.first && c <= range.last)
        return static_cast<utf8proc_int32_t>(range.standIn);
  return static_cast<utf8proc_int32_t>(c);
}

bool graphemeBreaks(char32_t before, char32_t after, int32_t &state) {
  return utf8proc_grapheme_break_stateful(graphemeStandIn(before), graphemeStandIn(after), &state);
}

std::optional<CodePointRanges> regexProperty(std::string_view name) {
  std::string key;
  for (char c : name)
    if (c != ' ' && c != '-' && c != '_')
      key += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (key == "alphabetic" || key == "alpha")
    return fromInversionList(RegexAlphabeticSet);
  if (key == "uppercase" || key == "upper")
    return fromInversionList(RegexUppercaseSet);
  if (key == "lowercase" || key == "lower")
    return fromInversionList(RegexLowercaseSet);
  if (key == "word")
    return fromInversionList(RegexWordSet);
  if (key == "punct")
    return fromInversionList(RegexPunctSet);
  if (key == "space" || key == "whitespace")
    return fromInversionList(RegexSpaceSet);
  if (std::find(std::begin(CategoryNames), std::end(CategoryNames), key) != std::end(CategoryNames))
    return categoryRanges(key);
  for (const CategoryAlias &alias : CategoryAliases)
    if (alias.name == key)
      return categoryRanges(alias.categories);
  for (size_t i = 0; i < std::size(RegexScriptNames); ++i)
    if (RegexScriptNames[i] == key)
      return fromRuns(RegexScriptRuns, [&](uint32_t value) { return value == i; });
  return std::nullopt;
}

} // namespace yoke
