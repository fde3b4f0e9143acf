// The timeline of a page: lanes, and spans that are merged.
#include "Simulator/Timeline.h"

#include <gtest/gtest.h>

using namespace yoke::sim;

TEST(Timeline, LanesOfWhatWorked) {
  std::vector<Span> spans = {{0, Phase::Qkv, -1, TaskKind::Load, 0, 100},
                             {0, Phase::Qkv, -1, TaskKind::Load, 101, 200}, // closer than a pixel of 10,000 cycles
                             {0, Phase::Qkv, -1, TaskKind::Load, 5000, 5100},
                             {3, Phase::Logit, 7, TaskKind::Pim, 300, 10000}};
  std::string html = timelineHtml("one", "a <b>", spans, 1000);
  EXPECT_NE(html.find("<canvas id=\"one\""), std::string::npos);
  EXPECT_NE(html.find("a &lt;b&gt;"), std::string::npos);
  EXPECT_NE(html.find("{\"name\":\"loads\",\"spans\":[[0,200,1],[5000,100,1]]}"), std::string::npos) << html;
  EXPECT_NE(html.find("{\"name\":\"pim channel 7\",\"spans\":[[300,9700,2]]}"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos); // nothing is fetched
}

TEST(Timeline, NothingIsAnEmptyPicture) {
  EXPECT_NE(timelineHtml("x", "", {}, 1).find("\"lanes\":[]"), std::string::npos);
}
