#include "Simulator/Timeline.h"

#include "Simulator/Plot.h"
#include "Support/Json.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace yoke::sim {
namespace {

constexpr std::string_view script = R"js(
function timeline(id, data) {
  const canvas = document.getElementById(id), note = document.getElementById(id + "-note"), c = canvas.getContext("2d");
  const left = 110, row = 14, colours = ["#888","#4c78a8","#f58518","#54a24b","#e45756","#72b7b2","#b279a2","#9d755d","#eeca3b","#ff9da6","#bab0ac"];
  canvas.height = 24 + row * data.lanes.length;
  let from = 0, to = data.end, drag = null;
  const x = t => left + (t - from) / (to - from) * (canvas.width - left), time = p => from + (p - left) / (canvas.width - left) * (to - from);
  function draw() {
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.font = "10px sans-serif";
    data.lanes.forEach((lane, i) => {
      c.fillStyle = i % 2 ? "#f4f4f4" : "#fff";
      c.fillRect(0, 20 + i * row, canvas.width, row);
      for (const [start, length, phase] of lane.spans) {
        if (start + length < from || start > to) continue;
        const a = Math.max(left, x(start)), b = Math.min(canvas.width, x(start + length));
        c.fillStyle = colours[phase % colours.length];
        c.fillRect(a, 21 + i * row, Math.max(b - a, 0.5), row - 2);
      }
      c.fillStyle = "#000";
      c.fillText(lane.name, 2, 31 + i * row);
    });
    for (let i = 0; i <= 8; ++i) {
      const t = from + (to - from) * i / 8;
      c.fillText((t / data.clock).toFixed(2) + " us", Math.min(x(t), canvas.width - 50), 12);
    }
  }
  canvas.onwheel = e => {
    e.preventDefault();
    const t = time(e.offsetX), factor = e.deltaY > 0 ? 1.25 : 0.8;
    from = Math.max(0, t - (t - from) * factor);
    to = Math.min(data.end, t + (to - t) * factor);
    draw();
  };
  canvas.onmousedown = e => { drag = {t: time(e.offsetX)}; };
  window.addEventListener("mouseup", () => { drag = null; });
  canvas.onmousemove = e => {
    if (drag) {
      const by = Math.min(Math.max(drag.t - time(e.offsetX), -from), data.end - to);
      from += by; to += by;
      draw();
      return;
    }
    const lane = data.lanes[Math.floor((e.offsetY - 20) / row)], t = time(e.offsetX);
    const found = lane && lane.spans.find(([start, length]) => start <= t && t < start + length);
    note.textContent = found ? `${lane.name}: ${data.phases[found[2]]}, from ${(found[0] / data.clock).toFixed(3)} us, ${(found[1] / data.clock).toFixed(3)} us` : "";
  };
  canvas.ondblclick = () => { from = 0; to = data.end; draw(); };
  draw();
}
)js";

/// The order of lanes and their names.
std::pair<int, std::string> laneOf(const Span &span) {
  switch (span.kind) {
  case TaskKind::Load:
    return {0, "loads"};
  case TaskKind::Store:
    return {1, "stores"};
  case TaskKind::Gemm:
    return {2, "arrays"};
  case TaskKind::Vector:
    return {3, "vector units"};
  case TaskKind::Delay:
    return {4, "links"};
  case TaskKind::Pim:
    return {5 + span.channel, fmt::format("pim channel {}", span.channel)};
  case TaskKind::Join:
    break;
  }
  return {1 << 20, "other"};
}

struct Lane {
  std::string name;
  std::vector<Span> spans;
};

} // namespace

std::string timelineHtml(const std::string &id, const std::string &title, const std::vector<Span> &spans,
                         double cyclesPerMicrosecond) {
  constexpr int64_t pixels = 1600;
  std::vector<Span> sorted = spans;
  std::sort(sorted.begin(), sorted.end(), [](const Span &a, const Span &b) {
    return std::tie(a.start, a.end, a.phase) < std::tie(b.start, b.end, b.phase);
  });
  int64_t end = 1;
  for (const Span &span : sorted)
    end = std::max(end, span.end);
  std::map<int, Lane> lanes;
  for (const Span &span : sorted) {
    auto [order, name] = laneOf(span);
    Lane &lane = lanes[order];
    lane.name = name;
    if (!lane.spans.empty() && lane.spans.back().phase == span.phase &&
        span.start <= lane.spans.back().end + end / pixels)
      lane.spans.back().end = std::max(lane.spans.back().end, span.end);
    else
      lane.spans.push_back(span);
  }
  Json data = {{"end", end}, {"clock", cyclesPerMicrosecond}, {"lanes", Json::array()}, {"phases", Json::array()}};
  for (size_t phase = 0; phase < phases; ++phase)
    data["phases"].push_back(phaseName(Phase(phase)));
  for (const auto &[order, lane] : lanes) {
    Json list = Json::array();
    for (const Span &span : lane.spans)
      list.push_back({span.start, span.end - span.start, int(span.phase)});
    data["lanes"].push_back({{"name", lane.name}, {"spans", std::move(list)}});
  }
  return fmt::format("<h2>{1}</h2>\n<canvas id=\"{0}\" width=\"{2}\"></canvas>\n<div id=\"{0}-note\" "
                     "style=\"height:1.5em\"></div>\n<script>{3}timeline(\"{0}\", {4});</script>\n",
                     id, escapeXml(title), pixels, script, dumpJson(data));
}

} // namespace yoke::sim
