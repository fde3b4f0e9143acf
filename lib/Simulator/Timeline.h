// When each part of a device was at work, as a piece of a web page.
#pragma once

#include "Simulator/Machine.h"

namespace yoke::sim {

/// A canvas with a lane for loads, stores, arrays, vector units, links and the PIM of each channel. The wheel zooms,
/// dragging moves, pointing shows what runs. Self-contained; `id` is unique in the page. Spans of one kind of work that
/// are closer than a pixel of the whole are drawn as one.
std::string timelineHtml(const std::string &id, const std::string &title, const std::vector<Span> &spans,
                         double cyclesPerMicrosecond);

} // namespace yoke::sim
