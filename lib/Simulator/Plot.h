// Pictures as SVG text.
#pragma once

#include <string>
#include <vector>

namespace yoke::sim {

struct Series {
  std::string name;
  std::vector<double> values; ///< one a group; NaN: none
};

struct BarPanel {
  std::string title;
  std::vector<std::string> groups;
  std::vector<Series> series;
};

/// Panels of grouped bars one under the other, each with its own axis from 0; the legend is that of the first panel.
std::string barChart(const std::string &title, const std::string &unit, const std::vector<BarPanel> &panels);

struct PlotPoint {
  double x, y;
  std::string series, label; ///< the label shows when pointed at
};

/// Points with the front of those that no other one beats in both larger `x` and smaller `y`.
std::string paretoChart(const std::string &title, const std::string &xLabel, const std::string &yLabel,
                        const std::vector<PlotPoint> &points);

struct RooflinePoint {
  std::string name;
  double intensity, flops; ///< flops a byte; flops a second
};
struct Roof {
  std::string name;
  double flops, bandwidth; ///< a second
};

/// Both axes logarithmic: roofs as lines, operations as points.
std::string rooflineChart(const std::string &title, const std::vector<Roof> &roofs,
                          const std::vector<RooflinePoint> &points);

/// Text made safe for XML.
std::string escapeXml(const std::string &text);

} // namespace yoke::sim
