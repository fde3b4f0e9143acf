#pragma once

#include "ChatTemplate/ChatTemplate.h"
#include "Support/File.h"

#include <gtest/gtest.h>

namespace yoke::test {

inline std::string readTestFile(const std::string &name) {
  auto text = readFile(std::string(YOKE_SOURCE_DIR) + "/test/unit/ChatTemplate/" + name, size_t(1) << 26);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : std::string();
}

inline std::string joined(const std::vector<ChatTemplate::Segment> &segments) {
  std::string text;
  for (const auto &segment : segments)
    text += segment.text;
  return text;
}

inline Result<std::string> renderText(std::string_view source, const OrderedJson &variables,
                                      ChatTemplateLimits limits = {}) {
  ChatTemplate chatTemplate = YOKE_TRY(ChatTemplate::parse(source, "chat_template", limits));
  return joined(YOKE_TRY(chatTemplate.render(variables)));
}

inline std::string messageOf(std::string_view source, const OrderedJson &variables = OrderedJson::object(),
                             ChatTemplateLimits limits = {}) {
  auto text = renderText(source, variables, limits);
  EXPECT_FALSE(text) << source.substr(0, 200);
  if (text)
    return "(none)";
  EXPECT_EQ(text.error().kind, ErrorKind::Malformed);
  EXPECT_EQ(text.error().message.find('\n'), std::string::npos);
  return text.error().message;
}

} // namespace yoke::test
