// Chat templates of Hugging Face checkpoints: Jinja as the Python package `transformers` runs it (blocks trimmed, lines
// stripped, an immutable sandbox), with budgets, and with the origin of every piece of the output.
#pragma once

#include "Support/Json.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// JSON that keeps the order of members, which `tojson` prints.
using OrderedJson = nlohmann::ordered_json;

struct ChatTemplateLimits {
  size_t sourceBytes = size_t(256) << 10;
  size_t outputBytes = size_t(16) << 20; ///< also of any single string made on the way
  int64_t steps = 10'000'000;            ///< evaluated nodes, plus work on strings and lists in proportion to its size
  int recursion = 64;                    ///< nesting in the source, and of calls
  int64_t rangeItems = 100'000;
};

/// A parsed template. Immutable: `render` may be called from several threads at once.
///
/// Differences from jinja2: integers have 64 bits and overflow is an error; reading a name that starts with an
/// underscore from a value is an error rather than undefined; what jinja2 yields lazily (map, select and the like) is a
/// list that can be read again; an unknown filter or test is an error where it is reached; `include`, `import`,
/// `extends`, `block` and recursive loops are refused.
class ChatTemplate {
public:
  using Limits = ChatTemplateLimits;

  /// `name` stands for the template in messages: `name: line 3: rule`. Errors (Malformed): broken UTF-8 or syntax,
  /// limits.
  static Result<ChatTemplate> parse(std::string_view source, std::string_view name, Limits limits = {});

  /// A piece of the output. `isInput`: it stems from the data, not from the template, so no special token may be
  /// recognised in it.
  struct Segment {
    std::string text;
    bool isInput;
    bool operator==(const Segment &) const = default;
  };

  /// Renders with the members of the object `variables`: messages, tools, documents, add_generation_prompt, bos_token,
  /// ... Neighbouring segments differ in `isInput`; the output is their texts put together.
  ///
  /// Trusted, so not input, are: the template's own text, top-level members named `*_token`, and the value of "role" in
  /// a message when it is system, developer, user, assistant, tool or function (templates build control tokens of it).
  /// As in transformers, `tools` and `documents` are none and `add_generation_prompt` is false when missing.
  ///
  /// Errors (Malformed): what the template does wrong, `raise_exception`, budgets; each names the line.
  Result<std::vector<Segment>> render(const OrderedJson &variables) const;
  Result<std::vector<Segment>> render(const Json &variables) const;

private:
  struct Impl;
  explicit ChatTemplate(std::shared_ptr<const Impl> impl) : impl(std::move(impl)) {}
  std::shared_ptr<const Impl> impl;
};

/// What a checkpoint says about its template.
struct TemplateChoice {
  std::string source; ///< empty: the checkpoint has no template
  /// bos_token, eos_token, pad_token and the like, by name; missing ones are not in the map.
  std::map<std::string, std::string> specialTokens;
};

/// `tokenizerConfig` is the contents of tokenizer_config.json, `chatTemplateFile` that of chat_template.jinja; either
/// may be empty (no such file). The file wins. A list of named templates yields the one called "tool_use" when
/// `withTools` and it exists, else "default". A token is a string or an object with a string `content`. Errors
/// (Malformed): broken JSON, wrong types, a list without "default".
Result<TemplateChoice> selectTemplate(std::string_view tokenizerConfig, std::string_view chatTemplateFile,
                                      bool withTools = false);

} // namespace yoke
