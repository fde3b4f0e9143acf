#include "Simulator/Plot.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace yoke::sim {
namespace {

constexpr const char *colours[] = {"#888888", "#4c78a8", "#f58518", "#54a24b",
                                   "#e45756", "#72b7b2", "#b279a2", "#9d755d"};
const char *colourOf(size_t index) { return colours[index % std::size(colours)]; }

class Svg {
public:
  Svg(double width, double height) {
    body = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
                       "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"11\">\n"
                       "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                       width, height);
  }
  void line(double x1, double y1, double x2, double y2, const char *colour, double width = 1) {
    body += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
                        "stroke-width=\"{}\"/>\n",
                        x1, y1, x2, y2, colour, width);
  }
  void bar(double x, double y, double width, double height, const char *colour, const std::string &label) {
    body += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\">"
                        "<title>{}</title></rect>\n",
                        x, y, width, height, colour, escapeXml(label));
  }
  void circle(double x, double y, const char *colour, const std::string &label) {
    body += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"><title>{}</title></circle>\n", x, y,
                        colour, escapeXml(label));
  }
  void text(double x, double y, const std::string &value, const char *anchor = "start", bool bold = false) {
    body += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor,
                        bold ? " font-weight=\"bold\"" : "", escapeXml(value));
  }
  void legend(double x, double y, const std::vector<std::string> &names) {
    for (size_t i = 0; i < names.size(); ++i) {
      bar(x, y - 9, 10, 10, colourOf(i), names[i]);
      text(x + 14, y, names[i]);
      x += 28 + 7.0 * double(names[i].size());
    }
  }
  std::string finish() { return body + "</svg>\n"; }

private:
  std::string body;
};

std::string shortNumber(double value) {
  for (auto [limit, suffix] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (std::abs(value) >= limit)
      return fmt::format("{:.3g}{}", value / limit, suffix);
  return fmt::format("{:.3g}", value);
}

/// A step of 1, 2 or 5 times a power of ten that divides the range into about four.
double stepOf(double range) {
  double power = std::pow(10, std::floor(std::log10(range / 4)));
  for (double factor : {1.0, 2.0, 5.0})
    if (range / (factor * power) <= 5)
      return factor * power;
  return 10 * power;
}

constexpr double left = 70, right = 20;

struct Axis {
  double from, to, low, high; ///< pixels, values
  bool logarithmic = false;
  double at(double value) const {
    double share = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return from + share * (to - from);
  }
};

void verticalTicks(Svg &svg, const Axis &axis, double x1, double x2) {
  double step = stepOf(axis.high - axis.low);
  for (double value = 0; value <= axis.high * 1.0001; value += step) {
    svg.line(x1, axis.at(value), x2, axis.at(value), "#dddddd");
    svg.text(x1 - 6, axis.at(value) + 4, shortNumber(value), "end");
  }
}

std::vector<std::string> seriesNames(const std::vector<PlotPoint> &points) {
  std::vector<std::string> names;
  for (const PlotPoint &point : points)
    if (std::find(names.begin(), names.end(), point.series) == names.end())
      names.push_back(point.series);
  return names;
}

} // namespace

std::string escapeXml(const std::string &text) {
  std::string out;
  for (char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  return out;
}

std::string barChart(const std::string &title, const std::string &unit, const std::vector<BarPanel> &panels) {
  constexpr double width = 760, panelHeight = 150, top = 50;
  Svg svg(width, top + panelHeight * double(panels.size()) + 10);
  svg.text(left, 18, title, "start", true);
  std::vector<std::string> names;
  if (!panels.empty())
    for (const Series &series : panels.front().series)
      names.push_back(series.name);
  svg.legend(left, 36, names);
  for (size_t p = 0; p < panels.size(); ++p) {
    const BarPanel &panel = panels[p];
    double y = top + panelHeight * double(p), largest = 1e-30;
    for (const Series &series : panel.series)
      for (double value : series.values)
        if (std::isfinite(value))
          largest = std::max(largest, value);
    Axis axis{y + panelHeight - 24, y + 18, 0, largest};
    verticalTicks(svg, axis, left, width - right);
    svg.text(left, y + 12, fmt::format("{} ({})", panel.title, unit));
    double group = (width - left - right) / double(std::max<size_t>(1, panel.groups.size()));
    double bar = group * 0.8 / double(std::max<size_t>(1, panel.series.size()));
    for (size_t g = 0; g < panel.groups.size(); ++g) {
      double x = left + group * (double(g) + 0.1);
      for (size_t s = 0; s < panel.series.size(); ++s) {
        double value = panel.series[s].values[g];
        if (std::isfinite(value))
          svg.bar(x + bar * double(s), axis.at(value), bar * 0.92, axis.at(0) - axis.at(value), colourOf(s),
                  fmt::format("{}, {}: {:.4g}", panel.series[s].name, panel.groups[g], value));
      }
      svg.text(x + group * 0.4, axis.at(0) + 14, panel.groups[g], "middle");
    }
  }
  return svg.finish();
}

std::string paretoChart(const std::string &title, const std::string &xLabel, const std::string &yLabel,
                        const std::vector<PlotPoint> &points) {
  constexpr double width = 760, height = 460;
  Svg svg(width, height);
  svg.text(left, 18, title, "start", true);
  std::vector<std::string> names = seriesNames(points);
  svg.legend(left, 36, names);
  double xs = 1e-30, ys = 1e-30;
  for (const PlotPoint &point : points) {
    xs = std::max(xs, point.x);
    ys = std::max(ys, point.y);
  }
  Axis x{left, width - right, 0, xs * 1.05}, y{height - 50, 50, 0, ys * 1.05};
  verticalTicks(svg, y, left, width - right);
  double step = stepOf(x.high);
  for (double value = 0; value <= x.high; value += step)
    svg.text(x.at(value), height - 34, shortNumber(value), "middle");
  svg.text((left + width) / 2, height - 12, xLabel, "middle");
  svg.text(8, 50 - 6, yLabel);
  std::vector<PlotPoint> front;
  std::vector<PlotPoint> sorted = points;
  std::sort(sorted.begin(), sorted.end(),
            [](const PlotPoint &a, const PlotPoint &b) { return a.x != b.x ? a.x > b.x : a.y < b.y; });
  for (const PlotPoint &point : sorted)
    if (front.empty() || point.y < front.back().y)
      front.push_back(point);
  for (size_t i = 1; i < front.size(); ++i) {
    svg.line(x.at(front[i - 1].x), y.at(front[i - 1].y), x.at(front[i].x), y.at(front[i - 1].y), "#333333", 1.5);
    svg.line(x.at(front[i].x), y.at(front[i - 1].y), x.at(front[i].x), y.at(front[i].y), "#333333", 1.5);
  }
  for (const PlotPoint &point : points) {
    size_t series = size_t(std::find(names.begin(), names.end(), point.series) - names.begin());
    svg.circle(x.at(point.x), y.at(point.y), colourOf(series),
               fmt::format("{}: {} {:.5g}, {} {:.4g}", point.label, xLabel, point.x, yLabel, point.y));
  }
  return svg.finish();
}

std::string rooflineChart(const std::string &title, const std::vector<Roof> &roofs,
                          const std::vector<RooflinePoint> &points) {
  constexpr double width = 760, height = 420;
  Svg svg(width, height);
  svg.text(left, 18, title, "start", true);
  double lowX = 0.25, highX = 4096, highY = 1, lowY = 1e30;
  for (const Roof &roof : roofs) {
    highY = std::max(highY, roof.flops * 2);
    lowY = std::min(lowY, roof.bandwidth * lowX);
  }
  for (const RooflinePoint &point : points) {
    lowX = std::min(lowX, point.intensity / 2);
    highX = std::max(highX, point.intensity * 2);
    lowY = std::min(lowY, std::max(1.0, point.flops / 2));
  }
  Axis x{left, width - right, lowX, highX, true}, y{height - 50, 50, lowY, highY, true};
  for (double value = std::exp2(std::ceil(std::log2(lowX))); value <= highX; value *= 4) {
    svg.line(x.at(value), y.from, x.at(value), y.to, "#eeeeee");
    svg.text(x.at(value), height - 34, shortNumber(value), "middle");
  }
  for (double value = std::pow(10, std::ceil(std::log10(lowY))); value <= highY; value *= 10) {
    svg.line(left, y.at(value), width - right, y.at(value), "#eeeeee");
    svg.text(left - 6, y.at(value) + 4, shortNumber(value), "end");
  }
  svg.text((left + width) / 2, height - 12, "flops per byte", "middle");
  svg.text(8, 44, "flop/s");
  for (size_t i = 0; i < roofs.size(); ++i) {
    const Roof &roof = roofs[i];
    double ridge = std::clamp(roof.flops / roof.bandwidth, lowX, highX), from = std::max(lowX, lowY / roof.bandwidth);
    if (from < ridge)
      svg.line(x.at(from), y.at(from * roof.bandwidth), x.at(ridge), y.at(std::min(roof.flops, ridge * roof.bandwidth)),
               colourOf(i + 1), 2);
    svg.line(x.at(ridge), y.at(roof.flops), x.at(highX), y.at(roof.flops), colourOf(i + 1), 2);
    svg.text(width - right - 4, y.at(roof.flops) - 5, roof.name, "end");
  }
  for (const RooflinePoint &point : points)
    if (point.flops > 0 && point.intensity > 0) {
      svg.circle(
          x.at(point.intensity), y.at(std::clamp(point.flops, lowY, highY)), "#e45756",
          fmt::format("{}: {:.3g} flops per byte, {}flop/s", point.name, point.intensity, shortNumber(point.flops)));
      svg.text(x.at(point.intensity) + 7, y.at(std::clamp(point.flops, lowY, highY)) + 4, point.name);
    }
  return svg.finish();
}

} // namespace yoke::sim
