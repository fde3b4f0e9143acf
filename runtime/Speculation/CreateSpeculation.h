#pragma once

#include "runtime/Speculation/Speculation.h"

namespace yoke {

class Session;

/// Builds what a specification asks for and measures the machine (about a quarter of a second), for texts of about
/// `context` tokens. `spec.speculates()`.
/// Errors: Malformed (tree file, table, corpus, draft model that does not suit the model), Resources.
/// `warn` receives what is odd but harmless, one line each.
Result<std::unique_ptr<Speculation>> createSpeculation(Session &session, const DecodeSpec &spec, int64_t context = 0,
                                                       const std::function<void(const std::string &)> &warn = {});

} // namespace yoke
