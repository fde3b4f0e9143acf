#include "runtime/ConditionalStats.h"

namespace yoke {

ConditionalStats ConditionalStats::of(const Session &session) {
  ConditionalStats out;
  out.rows = session.rowsRun();
  if (session.device())
    return out;
  for (const StepRecord &record : session.model().manifest.step.records) {
    if (record.kind == StepRecord::Kind::FfnCosines)
      continue;
    auto numbers = session.record<int64_t>(record);
    if (record.kind == StepRecord::Kind::SkippedFfnRows)
      out.skippedFfnBlocks += numbers.front();
    else
      out.expertLoad.push_back({record.layer, {numbers.begin(), numbers.end()}});
  }
  return out;
}

ConditionalStats ConditionalStats::since(const ConditionalStats &before) const {
  ConditionalStats out = *this;
  out.rows -= before.rows;
  out.skippedFfnBlocks -= before.skippedFfnBlocks;
  for (size_t i = 0; i < out.expertLoad.size(); ++i)
    for (size_t expert = 0; expert < out.expertLoad[i].rows.size(); ++expert)
      out.expertLoad[i].rows[expert] -= before.expertLoad[i].rows[expert];
  return out;
}

} // namespace yoke
