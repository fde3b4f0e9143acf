// The one error type of the project: what went wrong, in one line, and the exit code that it stands for.
// `tl::expected`, since MLIR's headers need C++20 and std::expected C++23.
#pragma once

#include <fmt/format.h>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace yoke {

/// The value is the exit code of a program that ends with the error.
enum class ErrorKind {
  Failed = 1,    ///< the work could not be done
  Usage = 2,     ///< wrong command line or wrong use of an interface
  Malformed = 3, ///< an input breaks its format's rules or is not supported
  Resources = 4, ///< the system refused memory, disk, threads or a file operation
};

struct Error {
  ErrorKind kind = ErrorKind::Failed;
  std::string message;
};

template <class T> using Result = tl::expected<T, Error>;
using Status = Result<void>;

constexpr int exitCode(ErrorKind kind) { return static_cast<int>(kind); }

template <class... Args>
[[nodiscard]] tl::unexpected<Error> makeError(ErrorKind kind, fmt::format_string<Args...> format, Args &&...args) {
  return tl::unexpected<Error>(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

template <class... Args>
[[nodiscard]] tl::unexpected<Error> failed(fmt::format_string<Args...> format, Args &&...args) {
  return makeError(ErrorKind::Failed, format, std::forward<Args>(args)...);
}

template <class... Args>
[[nodiscard]] tl::unexpected<Error> usageError(fmt::format_string<Args...> format, Args &&...args) {
  return makeError(ErrorKind::Usage, format, std::forward<Args>(args)...);
}

template <class... Args>
[[nodiscard]] tl::unexpected<Error> malformed(fmt::format_string<Args...> format, Args &&...args) {
  return makeError(ErrorKind::Malformed, format, std::forward<Args>(args)...);
}

template <class... Args>
[[nodiscard]] tl::unexpected<Error> outOfResources(fmt::format_string<Args...> format, Args &&...args) {
  return makeError(ErrorKind::Resources, format, std::forward<Args>(args)...);
}

namespace detail {
template <class T> T unwrap(Result<T> &&result) { return *std::move(result); }
inline void unwrap(Status &&) {}
} // namespace detail

} // namespace yoke

/// `auto x = YOKE_TRY(expression of type Result<T>);` yields the value, or returns the error from the enclosing
/// function.
#define YOKE_TRY(...)                                                                                                  \
  ({                                                                                                                   \
    auto yokeTryResult = (__VA_ARGS__);                                                                                \
    if (!yokeTryResult)                                                                                                \
      return tl::unexpected<::yoke::Error>(std::move(yokeTryResult).error());                                          \
    ::yoke::detail::unwrap(std::move(yokeTryResult));                                                                  \
  })
