//===- LLMAttrs.cpp - attributes of the llm dialect -----------------------===//
#include "LLM/LLM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <array>
#include <charconv>
#include <cmath>

using namespace mlir;
using namespace yoke::llm;

#include "LLM/LLMEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "LLM/LLMAttrs.cpp.inc"

void LLMDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "LLM/LLMAttrs.cpp.inc"
      >();
}

/// Reads `key = ` if it comes next.
static bool parseKey(AsmParser &parser, StringRef key) {
  return succeeded(parser.parseOptionalKeyword(key)) && succeeded(parser.parseEqual());
}

static ParseResult parseFloats(AsmParser &parser, SmallVectorImpl<float> &values) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    double value = 0;
    if (parser.parseFloat(value))
      return failure();
    values.push_back(static_cast<float>(value));
    return success();
  });
}

Attribute RopeAttr::parse(AsmParser &parser, Type) {
  SmallVector<float> frequencies, longFrequencies;
  double magnitude = 1, longMagnitude = 1;
  int64_t longFrom = 0;
  SMLoc loc = parser.getCurrentLocation();
  auto parseField = [&]() -> ParseResult {
    if (parseKey(parser, "frequencies"))
      return parseFloats(parser, frequencies);
    if (parseKey(parser, "magnitude"))
      return parser.parseFloat(magnitude);
    if (parseKey(parser, "long_frequencies"))
      return parseFloats(parser, longFrequencies);
    if (parseKey(parser, "long_magnitude"))
      return parser.parseFloat(longMagnitude);
    if (parseKey(parser, "long_from"))
      return parser.parseInteger(longFrom);
    return parser.emitError(parser.getCurrentLocation(),
                            "expected frequencies, magnitude, long_frequencies, long_magnitude or long_from");
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseField))
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    DenseF32ArrayAttr::get(parser.getContext(), frequencies), APFloat(static_cast<float>(magnitude)),
                    DenseF32ArrayAttr::get(parser.getContext(), longFrequencies),
                    APFloat(static_cast<float>(longMagnitude)), longFrom);
}

/// The shortest decimal that reads back as the same float, always with a point as the lexer wants it.
static void printFloat(AsmPrinter &printer, float value) {
  std::array<char, 32> buffer;
  StringRef text;
  for (int digits = 1; digits <= 9; ++digits) {
    char *end =
        std::to_chars(buffer.begin(), buffer.end(), static_cast<double>(value), std::chars_format::general, digits).ptr;
    text = StringRef(buffer.data(), end - buffer.data());
    double read = 0;
    if (!text.getAsDouble(read) && static_cast<float>(read) == value)
      break;
  }
  auto [mantissa, exponent] = text.split('e');
  printer << mantissa << (mantissa.contains('.') ? "" : ".0");
  if (!exponent.empty())
    printer << 'e' << exponent;
}

static void printFloats(AsmPrinter &printer, ArrayRef<float> values) {
  printer << '[';
  llvm::interleaveComma(values, printer.getStream(), [&](float value) { printFloat(printer, value); });
  printer << ']';
}

void RopeAttr::print(AsmPrinter &printer) const {
  printer << "<frequencies = ";
  printFloats(printer, getFrequencies());
  printer << ", magnitude = ";
  printFloat(printer, getMagnitude().convertToFloat());
  if (!getLongFrequencies().empty()) {
    printer << ", long_frequencies = ";
    printFloats(printer, getLongFrequencies());
    printer << ", long_magnitude = ";
    printFloat(printer, getLongMagnitude().convertToFloat());
    printer << ", long_from = " << getLongFrom();
  }
  printer << '>';
}

LogicalResult RopeAttr::verify(function_ref<InFlightDiagnostic()> emitError, DenseF32ArrayAttr frequencies,
                               APFloat magnitude, DenseF32ArrayAttr longFrequencies, APFloat longMagnitude,
                               int64_t longFrom) {
  if (frequencies.empty())
    return emitError() << "expected at least one frequency";
  if (!longFrequencies.empty() && longFrequencies.size() != frequencies.size())
    return emitError() << "expected " << frequencies.size() << " long frequencies, found " << longFrequencies.size();
  if (!longFrequencies.empty() && longFrom < 1)
    return emitError() << "expected a positive long_from, found " << longFrom;
  auto isFinite = [](float value) { return std::isfinite(value); };
  if (!llvm::all_of(frequencies.asArrayRef(), isFinite) || !llvm::all_of(longFrequencies.asArrayRef(), isFinite) ||
      !magnitude.isFinite() || !longMagnitude.isFinite())
    return emitError() << "expected finite frequencies and magnitudes";
  return success();
}

LogicalResult PieceAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef, int64_t offset, int64_t block,
                                int64_t stride, int64_t count, bool, int64_t firstColumn, int64_t columns) {
  if (firstColumn < 0 || columns < 0 || (columns == 0 && firstColumn != 0))
    return emitError() << "expected first_column >= 0 and columns > 0, or neither, found first_column = " << firstColumn
                       << ", columns = " << columns;
  if (offset < 0 || block < 1 || stride < block || count < 1)
    return emitError() << "expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = " << offset
                       << ", block = " << block << ", stride = " << stride << ", count = " << count;
  int64_t end = 0;
  if (llvm::MulOverflow(stride, count, end) || llvm::AddOverflow(offset, end, end))
    return emitError() << "expected offset + stride * count to fit 64 bits, found offset = " << offset
                       << ", stride = " << stride << ", count = " << count;
  return success();
}
