#include "Tokenizer/Regex.h"

#include "Support/Text.h"
#include "Tokenizer/Utf8.h"

#include <cstring>
#include <mutex>
#include <oniguruma.h>
#include <time.h>

namespace yoke {

constexpr size_t MaxPatternBytes = 16384;
/// Backtracking steps within one match; the limit that Oniguruma itself has by default.
constexpr unsigned long MaxRetries = 10'000'000;

static double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool RegexBudget::exhausted() {
  if (calls++ % 64)
    return false;
  double now = threadSeconds();
  if (deadline == 0)
    deadline = now + 1.0 + static_cast<double>(textBytes) * 10e-6;
  return now > deadline;
}

void Regex::Free::operator()(void *compiled) const { onig_free(static_cast<regex_t *>(compiled)); }

static bool initializeOniguruma() {
  static bool ready = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    if (onig_initialize(encodings, 1) != ONIG_NORMAL)
      return false;
    onig_set_parse_depth_limit(256);
    onig_set_warn_func(onig_null_warn);
    onig_set_verb_warn_func(onig_null_warn);
    return true;
  }();
  return ready;
}

Result<Regex> Regex::compile(std::string_view pattern, std::string_view place) {
  if (pattern.size() > MaxPatternBytes)
    return malformed("{}: pattern of {} bytes, the limit is {}", place, pattern.size(), MaxPatternBytes);
  if (!initializeOniguruma())
    return failed("{}: Oniguruma does not start", place);
  std::string pinned = pinUnicodeClasses(pattern);
  if (pinned.size() > MaxPinnedBytes)
    return malformed("{}: pattern with too many character classes", place);
  const auto *begin = reinterpret_cast<const OnigUChar *>(pinned.data());
  OnigRegex compiled = nullptr;
  OnigErrorInfo details;
  int status = onig_new(&compiled, begin, begin + pinned.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                        ONIG_SYNTAX_DEFAULT, &details);
  if (status != ONIG_NORMAL) {
    OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
    int length = onig_error_code_to_str(message, status, &details);
    std::string_view reason(reinterpret_cast<const char *>(message), static_cast<size_t>(std::max(length, 0)));
    return malformed("{}: pattern {}: {}", place, quote(pattern), printable(reason));
  }
  Regex regex;
  regex.compiled.reset(compiled);
  regex.place = place;
  return regex;
}

Result<Regex> Regex::literal(std::string_view text, std::string_view place) {
  if (text.empty())
    return compile("", place);
  Regex regex;
  regex.plain = text;
  regex.place = place;
  return regex;
}

namespace {

struct Search {
  OnigRegion *region = onig_region_new();
  OnigMatchParam *limits = onig_new_match_param();
  explicit Search(size_t textBytes) {
    onig_initialize_match_param(limits);
    onig_set_retry_limit_in_match_of_match_param(limits, MaxRetries);
    onig_set_retry_limit_in_search_of_match_param(limits, 2 * MaxRetries);
    onig_set_match_stack_limit_size_of_match_param(
        limits, static_cast<unsigned>(std::min<size_t>((size_t(1) << 22) + 4 * textBytes, UINT32_MAX / 2)));
  }
  ~Search() {
    onig_region_free(region, 1);
    onig_free_match_param(limits);
  }
};

void addMatch(std::vector<Stretch> &stretches, size_t &previous, size_t begin, size_t end) {
  if (previous != begin)
    stretches.push_back({previous, begin, false});
  stretches.push_back({begin, end, true});
  previous = end;
}

} // namespace

Status Regex::cut(std::string_view text, RegexBudget &budget, std::vector<Stretch> &stretches) const {
  stretches.clear();
  size_t previous = 0;
  if (!compiled) {
    const char *found, *from = text.data(), *end = text.data() + text.size();
    while ((found =
                static_cast<const char *>(memmem(from, static_cast<size_t>(end - from), plain.data(), plain.size())))) {
      from = found + plain.size();
      addMatch(stretches, previous, static_cast<size_t>(found - text.data()), static_cast<size_t>(from - text.data()));
    }
  } else if (!text.empty()) {
    Search search(text.size());
    auto *regex = static_cast<regex_t *>(compiled.get());
    const auto *begin = reinterpret_cast<const OnigUChar *>(text.data()), *end = begin + text.size();
    size_t from = 0;
    ssize_t lastEnd = -1;
    while (from <= text.size()) {
      if (budget.exhausted())
        return malformed("{}: regex budget: the pattern takes too long", place);
      int status =
          onig_search_with_param(regex, begin, end, begin + from, end, search.region, ONIG_OPTION_NONE, search.limits);
      if (status == ONIG_MISMATCH)
        break;
      if (status < 0) {
        OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
        int length = onig_error_code_to_str(message, status);
        return malformed(
            "{}: regex budget: {}", place,
            std::string_view(reinterpret_cast<const char *>(message), static_cast<size_t>(std::max(length, 0))));
      }
      ssize_t first = search.region->beg[0], last = search.region->end[0];
      if (first == last && last == lastEnd) {
        from += from < text.size() ? utf8Length(text[from]) : 1;
        continue;
      }
      lastEnd = last;
      from = static_cast<size_t>(last);
      addMatch(stretches, previous, static_cast<size_t>(first), static_cast<size_t>(last));
    }
  }
  if (previous != text.size())
    stretches.push_back({previous, text.size(), false});
  return {};
}

} // namespace yoke
