#include "runtime/Speculation/CostModel.h"

#include "runtime/Session.h"

#include <algorithm>
#include <chrono>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t measuredRows[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64};
constexpr int maxRepetitions = 7;

/// Slots that a sequence can have now.
int64_t room(Session &session) {
  KvCache &cache = session.kvCache();
  return std::min(cache.pagesAvailable() * cache.layout().pageTokens, session.model().manifest.maxPositions);
}

/// Times steps of a draft tree of some rows: half of them one branch, the others beside it.
class Probe {
public:
  Probe(Session &session, int64_t rows, int64_t context) : session(session), id(session.kvCache().addSequence()) {
    result.resize(rows * session.outputColumns());
    start = static_cast<int32_t>(std::clamp<int64_t>(context, 0, std::max<int64_t>(room(session) - rows, 0)));
  }
  ~Probe() { session.kvCache().removeSequence(id); }

  Result<double> run(int64_t rows) {
    YOKE_TRY(session.kvCache().prepareWrite(id, start, start + rows));
    batch.clear();
    const int32_t sequence = batch.addSequence(session.kvCache().blockTable(id));
    const int32_t branch = static_cast<int32_t>(rows + 1) / 2;
    for (int32_t i = 0; i < rows; ++i) {
      const int32_t parent = i < branch ? i - 1 : i - branch;
      const int32_t position = parent < 0 ? start : batch.positions[parent] + 1;
      // Different tokens, so that a mixture of experts reads what it would for a text.
      const auto token = static_cast<int32_t>(int64_t(i) * 7919 % session.model().manifest.vocabSize);
      batch.wantOutput(batch.add(sequence, {token, position, start + i, start + i + 1, parent}));
    }
    const auto before = Clock::now();
    session.run(batch, result);
    return std::chrono::duration<double>(Clock::now() - before).count();
  }

private:
  Session &session;
  KvCache::SequenceId id;
  int32_t start = 0; ///< slots before the tree
  StepBatch batch;
  std::vector<float> result;
};

} // namespace

CostModel::CostModel(std::vector<Point> points) : measured(std::move(points)) { update(); }

void CostModel::update() {
  // Fewer rows never cost more: what a measurement says otherwise is noise.
  estimates.resize(measured.size());
  double least = measured.back().seconds;
  for (size_t i = measured.size(); i-- > 0;)
    estimates[i] = least = std::min(least, measured[i].seconds);
  useful = 1;
  cheapest = 1;
  for (size_t i = 1; i < measured.size(); ++i) {
    const auto rows = static_cast<double>(measured[i].rows);
    if (rows * plainSeconds() > estimates[i])
      useful = measured[i].rows;
    cheapest = std::min(cheapest, (estimates[i] / plainSeconds() - 1) / (rows - 1));
  }
}

void CostModel::observe(int64_t rows, double seconds) {
  auto point = std::ranges::find(measured, rows, &Point::rows);
  if (point == measured.end())
    return;
  constexpr double rate = 0.04;
  point->seconds *= seconds < point->seconds ? 1 - rate * 0.75 : 1 + rate * 0.25;
  update();
}

Result<CostModel> CostModel::measure(Session &session, int64_t maxRows, double budgetSeconds, int64_t context) {
  maxRows = std::min({maxRows, session.maxStepTokens(), std::max<int64_t>(room(session), 1)});
  Probe probe(session, maxRows, context);
  YOKE_TRY(probe.run(1)); // touches the weights
  std::vector<Point> points;
  const auto start = Clock::now();
  auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (int64_t rows : measuredRows) {
    if (rows > maxRows || (points.size() >= 2 && spent() > budgetSeconds / 2))
      break;
    points.push_back({rows, YOKE_TRY(probe.run(rows))});
    points.back().seconds = std::min(points.back().seconds, YOKE_TRY(probe.run(rows)));
    if (rows >= 8 && points.back().seconds > 1.5 * static_cast<double>(rows) * points.front().seconds)
      break;
  }
  // The quickest of several rounds, since whatever else runs on the machine only adds.
  for (int round = 0; round < maxRepetitions && spent() < budgetSeconds; ++round)
    for (Point &point : points)
      point.seconds = std::min(point.seconds, YOKE_TRY(probe.run(point.rows)));
  return CostModel(std::move(points));
}

double CostModel::seconds(int64_t rows) const {
  const auto after = std::ranges::lower_bound(measured, rows, {}, &Point::rows);
  size_t high = after - measured.begin();
  if (measured.size() == 1)
    return estimates[0] * static_cast<double>(rows) / static_cast<double>(measured[0].rows);
  high = std::clamp<size_t>(high, 1, measured.size() - 1);
  const Point &left = measured[high - 1], &right = measured[high];
  const double slope = (estimates[high] - estimates[high - 1]) / static_cast<double>(right.rows - left.rows);
  return estimates[high - 1] + slope * static_cast<double>(rows - left.rows);
}

} // namespace yoke
