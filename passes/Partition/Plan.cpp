//===- Plan.cpp - a placement in a file -----------------------------------===//
#include "Partition/Plan.h"

#include "Support/File.h"
#include "Support/Json.h"

using namespace yoke;

static constexpr size_t maxPlanBytes = size_t(1) << 26;

Result<Plan> Plan::load(const std::string &path) {
  Json json = YOKE_TRY(parseJson(YOKE_TRY(readFile(path, maxPlanBytes)), path));
  JsonObject root = YOKE_TRY(JsonObject::from(json, path));
  YOKE_TRY(root.expectOnly({"target", "functions"}));
  Plan plan;
  plan.target = YOKE_TRY(root.string("target"));
  JsonObject functions = YOKE_TRY(root.object("functions"));
  for (const auto &item : functions.json().items()) {
    std::vector<Kernel> &kernels = plan.functions[item.key()];
    for (const JsonObject &entry : YOKE_TRY(functions.objects(item.key()))) {
      YOKE_TRY(entry.expectOnly({"kernel", "device"}));
      std::string name = YOKE_TRY(entry.string("device"));
      std::optional<Device> device = findDevice(name);
      if (!device)
        return entry.error("device", "expected npu, pim, gpu or cpu, found \"" + name + "\"");
      kernels.push_back({YOKE_TRY(entry.string("kernel")), *device});
    }
  }
  return plan;
}

Status Plan::save(const std::string &path) const {
  Json json = {{"target", target}, {"functions", Json::object()}};
  for (const auto &[name, kernels] : functions) {
    Json &list = json["functions"][name] = Json::array();
    for (const Kernel &kernel : kernels)
      list.push_back({{"kernel", kernel.name}, {"device", deviceName(kernel.device)}});
  }
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(dumpJson(json, 1) + "\n"));
  return file.commit();
}
