//===- Registration.h - everything that the tools know --------------------===//
#ifndef YOKE_LIB_COMPILER_REGISTRATION_H
#define YOKE_LIB_COMPILER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
}

namespace yoke {

/// Registers every dialect, extension and pass, upstream's and our own, and sets the text of crash reports. All tools
/// call this and nothing else.
void registerEverything(mlir::DialectRegistry &registry);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_REGISTRATION_H
