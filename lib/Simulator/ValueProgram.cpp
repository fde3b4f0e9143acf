#include "Simulator/ValueProgram.h"

namespace yoke::sim {

TaskId ValueProgram::write(BankRow place, int64_t first, int64_t elements, Phase phase, TaskId after, Source source) {
  TaskId id = storeAt(place, elements * target.pim->elementBytes, phase, after);
  whenDone(id, [=, this, source = std::move(source)] {
    return values.channel(place.channel).place(place.bank, place.row, first, source());
  });
  return id;
}

ValueProgram::Vector ValueProgram::vector(int64_t channel, int64_t elements, Phase phase, TaskId after, Source source) {
  int64_t places = vectorRows * values.banks, number = nextVector[channel]++ % places;
  size_t index = size_t(channel * places + number);
  BankRow place = vectorPlace(channel, number);
  TaskId ready = after;
  if (auto reader = lastReader.find(index); reader != lastReader.end())
    ready = join({after, reader->second});
  return {write(place, 0, elements, phase, ready, std::move(source)), gwrite(place), index};
}

Status ValueProgram::run(Machine &machine) {
  machine.observe(this);
  Status ran = machine.run(std::exchange(own, {}));
  machine.observe(nullptr);
  actions.clear();
  read.clear();
  lastReader.clear();
  YOKE_TRY(std::move(ran));
  return std::exchange(problem, Status());
}

void ValueProgram::taskFinished(TaskId task) {
  if (auto action = actions.find(task); action != actions.end() && problem)
    problem = action->second();
}

void ValueProgram::commandIssued(int32_t channel, const Command &command, TaskId task) {
  if (problem)
    problem = values.channel(channel).execute(command, read[task]);
}

} // namespace yoke::sim
