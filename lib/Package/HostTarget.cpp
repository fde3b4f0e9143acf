#include "Package/HostTarget.h"

#include "Support/Text.h"

#include <algorithm>

namespace yoke {

std::vector<std::string> hostFeatures() {
  std::vector<std::string> out;
#if defined(__x86_64__)
  // Every x86-64 has these, and not every compiler runtime reports them.
  out = {"64bit", "cmov", "cx8", "fxsr", "mmx", "sse", "sse2", "x87"};
  __builtin_cpu_init();
// The builtin takes literals only; these are names that LLVM and the compiler runtime spell alike.
#define YOKE_FEATURE(NAME)                                                                                             \
  if (__builtin_cpu_supports(NAME))                                                                                    \
    out.push_back(NAME);
  YOKE_FEATURE("sse3")
  YOKE_FEATURE("ssse3")
  YOKE_FEATURE("sse4.1")
  YOKE_FEATURE("sse4.2")
  YOKE_FEATURE("popcnt")
  YOKE_FEATURE("avx")
  YOKE_FEATURE("avx2")
  YOKE_FEATURE("fma")
  YOKE_FEATURE("f16c")
  YOKE_FEATURE("bmi")
  YOKE_FEATURE("bmi2")
  YOKE_FEATURE("lzcnt")
  YOKE_FEATURE("movbe")
  YOKE_FEATURE("aes")
  YOKE_FEATURE("pclmul")
  YOKE_FEATURE("avx512f")
  YOKE_FEATURE("avx512cd")
  YOKE_FEATURE("avx512bw")
  YOKE_FEATURE("avx512dq")
  YOKE_FEATURE("avx512vl")
  YOKE_FEATURE("avx512ifma")
  YOKE_FEATURE("avx512vbmi")
  YOKE_FEATURE("avx512vbmi2")
  YOKE_FEATURE("avx512vnni")
  YOKE_FEATURE("avx512bitalg")
  YOKE_FEATURE("avx512vpopcntdq")
  YOKE_FEATURE("avx512bf16")
  YOKE_FEATURE("avx512fp16")
  YOKE_FEATURE("avxvnni")
  YOKE_FEATURE("avxvnniint8")
  YOKE_FEATURE("gfni")
  YOKE_FEATURE("vaes")
  YOKE_FEATURE("vpclmulqdq")
  YOKE_FEATURE("amx-tile")
  YOKE_FEATURE("amx-int8")
  YOKE_FEATURE("amx-bf16")
  YOKE_FEATURE("adx")
  YOKE_FEATURE("clflushopt")
  YOKE_FEATURE("clwb")
  YOKE_FEATURE("clzero")
  YOKE_FEATURE("cx16")
  YOKE_FEATURE("fma4")
  YOKE_FEATURE("fsgsbase")
  YOKE_FEATURE("prfchw")
  YOKE_FEATURE("rdpid")
  YOKE_FEATURE("rdrnd")
  YOKE_FEATURE("rdseed")
  YOKE_FEATURE("sahf")
  YOKE_FEATURE("sha")
  YOKE_FEATURE("sse4a")
  YOKE_FEATURE("xsave")
  YOKE_FEATURE("xsavec")
  YOKE_FEATURE("xsaveopt")
  YOKE_FEATURE("xsaves")
  if (__builtin_cpu_supports("sse4.2"))
    out.push_back("crc32");
#undef YOKE_FEATURE
#endif
  std::ranges::sort(out);
  return out;
}

Status checkHostTarget(const TargetDescription &target, std::string_view source) {
#if defined(__x86_64__)
  constexpr std::string_view architecture = "x86_64-";
#elif defined(__aarch64__)
  constexpr std::string_view architecture = "aarch64-";
#else
#error "unknown architecture"
#endif
  if (!target.triple.starts_with(architecture) || target.triple.find("linux") == std::string::npos)
    return malformed("{}: target.triple: compiled for {}, this machine is {}linux", source, quote(target.triple),
                     architecture);
  std::vector<std::string> offered = hostFeatures();
  NameList lacking;
  for (const std::string &feature : target.features)
    if (!std::ranges::binary_search(offered, feature))
      lacking.add(feature);
  if (!lacking.empty())
    return malformed("{}: target.features: this CPU lacks {} of the features that the code uses: {}", source,
                     lacking.size(), lacking.text());
  return {};
}

} // namespace yoke
