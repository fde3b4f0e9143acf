// The inequalities between the numbers of a target; each error names the key and the rule that does not hold.
#pragma once

#include "Support/Json.h"
#include "Target/Target.h"

namespace yoke {

Status validateTiming(const DramTiming &timing, const JsonObject &object);
Status validatePower(const DramPower &power, const JsonObject &object);
Status validateMemory(const MemoryTarget &memory, const JsonObject &object);
Status validatePim(const PimTarget &pim, const std::optional<MemoryTarget> &memory, const JsonObject &object);
Status validateNpu(const NpuTarget &npu, const JsonObject &object);
Status validateRoofline(const RooflineTarget &roofline, const JsonObject &object);
Status validateLink(const LinkTarget &link, const JsonObject &object);

} // namespace yoke
