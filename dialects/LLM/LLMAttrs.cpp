//===- LLMAttrs.cpp - attributes of the llm dialect -----------------------===//
#include "LLM/LLM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/TypeSwitch.h"

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

/// The shortest decimal that reads back as the same float, always with a point or an exponent.
static void printFloat(AsmPrinter &printer, const APFloat &value) {
  SmallString<32> text;
  value.toString(text, /*FormatPrecision=*/9, /*FormatMaxPadding=*/0, /*TruncateZero=*/false);
  printer << text;
}

static void printFloats(AsmPrinter &printer, ArrayRef<float> values) {
  printer << '[';
  llvm::interleaveComma(values, printer.getStream(), [&](float value) { printFloat(printer, APFloat(value)); });
  printer << ']';
}

void RopeAttr::print(AsmPrinter &printer) const {
  printer << "<frequencies = ";
  printFloats(printer, getFrequencies());
  printer << ", magnitude = ";
  printFloat(printer, getMagnitude());
  if (!getLongFrequencies().empty()) {
    printer << ", long_frequencies = ";
    printFloats(printer, getLongFrequencies());
    printer << ", long_magnitude = ";
    printFloat(printer, getLongMagnitude());
    printer << ", long_from = " << getLongFrom();
  }
  printer << '>';
}

LogicalResult RopeAttr::verify(function_ref<InFlightDiagnostic()> emitError, DenseF32ArrayAttr frequencies, APFloat,
                               DenseF32ArrayAttr longFrequencies, APFloat, int64_t longFrom) {
  if (frequencies.empty())
    return emitError() << "expected at least one frequency";
  if (!longFrequencies.empty() && longFrequencies.size() != frequencies.size())
    return emitError() << "expected " << frequencies.size() << " long frequencies, found " << longFrequencies.size();
  if (!longFrequencies.empty() && longFrom < 1)
    return emitError() << "expected a positive long_from, found " << longFrom;
  return success();
}

LogicalResult PieceAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef, int64_t offset, int64_t block,
                                int64_t stride, int64_t count, bool) {
  if (offset < 0 || block < 1 || stride < block || count < 1)
    return emitError() << "expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = " << offset
                       << ", block = " << block << ", stride = " << stride << ", count = " << count;
  return success();
}
