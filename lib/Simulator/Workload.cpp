#include "Simulator/Workload.h"

#include "Support/File.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace yoke::sim {
namespace {

constexpr int64_t maxLength = 1 << 20;
constexpr size_t maxRequests = 1 << 16;

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool parseNumber(std::string_view text, int64_t &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

} // namespace

Result<std::vector<Request>> parseBatch(std::string_view text, std::string_view source, int64_t channels) {
  std::vector<Request> batch;
  bool placed = false;
  for (size_t line = 1; !text.empty(); ++line) {
    size_t end = text.find('\n');
    std::string_view current = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (current.ends_with('\r'))
      current.remove_suffix(1);
    if (line == 1) {
      placed = current == "seq_len,ch_idx";
      if (!placed && current != "seq_len")
        return malformed("{}: line 1: expected `seq_len,ch_idx` or `seq_len`", source);
      continue;
    }
    if (current.empty())
      continue;
    size_t comma = current.find(',');
    Request request{0};
    int64_t channel = -1;
    bool good = parseNumber(current.substr(0, comma), request.length) && (comma != std::string_view::npos) == placed &&
                (!placed || parseNumber(current.substr(comma + 1), channel));
    if (!good)
      return malformed("{}: line {}: expected {}", source, line, placed ? "two whole numbers" : "a whole number");
    if (request.length < 1 || request.length > maxLength)
      return malformed("{}: line {}: seq_len violates 1 <= seq_len <= {} (is {})", source, line, maxLength,
                       request.length);
    if (placed && (channel < 0 || channel >= channels))
      return malformed("{}: line {}: ch_idx violates 0 <= ch_idx < {} (is {})", source, line, channels, channel);
    request.channel = int32_t(channel);
    batch.push_back(request);
    if (batch.size() > maxRequests)
      return malformed("{}: violates requests <= {}", source, maxRequests);
  }
  if (batch.empty())
    return malformed("{}: expected at least one request", source);
  return batch;
}

Result<std::vector<Request>> loadBatch(const std::string &path, int64_t channels) {
  std::string text = YOKE_TRY(readFile(path, 16 << 20));
  return parseBatch(text, path, channels);
}

int64_t estimateAttention(const ModelShape &model, const Target &target, int64_t length) {
  constexpr int64_t gwrite = 100, tile = 184; // the published controller's figures
  int64_t page = target.memory->rowBytes / (target.pim ? target.pim->elementBytes : 2);
  int64_t banks = target.memory->banksPerChannel();
  int64_t chunks = ceilDivide(model.keyWidth(), page) * model.queriesPerKey();
  int64_t cost = chunks * gwrite + chunks * ceilDivide(length, banks) * tile;
  int64_t valueChunks = ceilDivide(length, page) * model.headsPerDevice();
  return cost + valueChunks * gwrite + valueChunks * ceilDivide(model.headSize, banks) * tile;
}

void placeRequests(std::vector<Request> &batch, const ModelShape &model, const Target &target, Placement placement) {
  int64_t channels = target.memory->channels;
  if (placement == Placement::RoundRobin) {
    for (size_t i = 0; i < batch.size(); ++i)
      batch[i].channel = int32_t(int64_t(i) % channels);
    return;
  }
  std::vector<int64_t> load(size_t(channels), 0);
  std::vector<size_t> order;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (placement == Placement::AsGiven && batch[i].channel >= 0)
      load[size_t(batch[i].channel)] += estimateAttention(model, target, batch[i].length);
    else
      order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return batch[a].length != batch[b].length ? batch[a].length > batch[b].length : a < b;
  });
  for (size_t i : order) {
    size_t best = size_t(std::min_element(load.begin(), load.end()) - load.begin());
    batch[i].channel = int32_t(best);
    load[best] += estimateAttention(model, target, batch[i].length);
  }
}

std::vector<Request> byChannel(const std::vector<Request> &batch, int64_t channels) {
  std::vector<Request> sorted;
  for (int64_t channel = -1; channel < channels; ++channel)
    for (const Request &request : batch)
      if (request.channel == channel)
        sorted.push_back(request);
  return sorted;
}

std::pair<std::vector<Request>, std::vector<Request>> splitBatch(const std::vector<Request> &batch, int64_t channels) {
  std::pair<std::vector<Request>, std::vector<Request>> halves;
  std::vector<Request> sorted = byChannel(batch, channels);
  bool roundUp = true;
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    while (end < sorted.size() && sorted[end].channel == sorted[begin].channel)
      ++end;
    size_t count = end - begin, first = count / 2;
    if (count % 2) {
      first += roundUp;
      roundUp = !roundUp;
    }
    halves.first.insert(halves.first.end(), sorted.begin() + int64_t(begin), sorted.begin() + int64_t(begin + first));
    halves.second.insert(halves.second.end(), sorted.begin() + int64_t(begin + first), sorted.begin() + int64_t(end));
    begin = end;
  }
  return halves;
}

} // namespace yoke::sim
