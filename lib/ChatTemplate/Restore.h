#pragma once

#include <utility>

namespace yoke::chat {

/// Restores a variable when it goes out of scope.
template <class T> class Restore {
public:
  Restore(T &variable, T value) : variable(variable), saved(std::exchange(variable, value)) {}
  ~Restore() { variable = saved; }
  Restore(const Restore &) = delete;

private:
  T &variable;
  T saved;
};

} // namespace yoke::chat
