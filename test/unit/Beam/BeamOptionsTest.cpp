#include "runtime/Beam/BeamOptions.h"

#include <gtest/gtest.h>

using namespace yoke;

TEST(BeamOptions, ReadsWhatIsGiven) {
  BeamOptions defaults = *BeamOptions::parse("beam");
  EXPECT_EQ(defaults.width, 4);
  EXPECT_EQ(defaults.groups, 1);
  BeamOptions options =
      *BeamOptions::parse("beam:width=6,groups=3,diversity=0.5,length-penalty=-1,early-stopping=true,return=2");
  EXPECT_EQ(options.width, 6);
  EXPECT_EQ(options.groups, 3);
  EXPECT_EQ(options.diversity, 0.5);
  EXPECT_EQ(options.lengthPenalty, -1);
  EXPECT_TRUE(options.earlyStopping);
  EXPECT_EQ(options.returned, 2);
  EXPECT_TRUE(BeamOptions::names("beam:width=2"));
  EXPECT_FALSE(BeamOptions::names("beams"));
}

TEST(BeamOptions, RefusesTheRest) {
  for (const char *spec : {"beam:width=0", "beam:width=257", "beam:width=x", "beam:width", "beam:groups=3",
                           "beam:diversity=-1", "beam:diversity=nan", "beam:early-stopping=1", "beam:return=5",
                           "beam:depth=2", "beam:=", "beam:length-penalty=inf"}) {
    Result<BeamOptions> options = BeamOptions::parse(spec);
    ASSERT_FALSE(options) << spec;
    EXPECT_EQ(options.error().kind, ErrorKind::Usage) << spec;
  }
}
