#include "NpyWriter.h"

#include <bit>

namespace yoke::cli {

static_assert(std::endian::native == std::endian::little);

Result<NpyWriter> NpyWriter::create(const std::string &path, int64_t rows, int64_t columns) {
  NpyWriter writer(YOKE_TRY(AtomicFile::create(path)));
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  // Magic, version, length and header fill a multiple of 64 bytes; the header ends with a newline.
  constexpr size_t prefixBytes = 10;
  header.append((64 - (prefixBytes + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string prefix = "\x93NUMPY";
  prefix += '\x01';
  prefix += '\0';
  prefix += static_cast<char>(header.size() & 0xff);
  prefix += static_cast<char>(header.size() >> 8);
  YOKE_TRY(writer.file.append(prefix));
  YOKE_TRY(writer.file.append(header));
  return writer;
}

} // namespace yoke::cli
