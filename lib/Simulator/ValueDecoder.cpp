#include "Simulator/ValueDecoder.h"

#include "Simulator/Schedule.h"
#include "Simulator/ValueStep.h"

namespace yoke::sim {

struct ValueDecoder::State {
  Target target;
  DecoderWeights weights;
  Machine machine;
  ValueContext context;

  State(const Target &asked, DecoderWeights given, int64_t positions)
      : target(asked), weights(std::move(given)), machine(target, scheduleMachine(target, weights.shape, 1)),
        context(target, weights, positions) {}
};

ValueDecoder::ValueDecoder(std::unique_ptr<State> state) : state(std::move(state)) {}
ValueDecoder::~ValueDecoder() = default;

Result<std::unique_ptr<ValueDecoder>> ValueDecoder::create(const Target &target, DecoderWeights weights,
                                                           int64_t positions) {
  if (!target.npu || !target.memory || !target.pim || !target.pim->compositeCommands || !target.pim->dualRowBuffer ||
      target.pim->elementBytes != 2)
    return usageError("{}: values need an npu and a pim with dual_row_buffer, composite_commands and element_bytes = 2",
                      target.name);
  const ModelShape &shape = weights.shape;
  if (shape.headSize * 2 > target.memory->rowBytes || shape.headSize % target.pim->macsPerBank)
    return failed("{}: heads of {} elements violate head size % {} = 0 or head size <= {}", target.name, shape.headSize,
                  target.pim->macsPerBank, target.memory->rowBytes / 2);
  auto state = std::make_unique<State>(target, std::move(weights), positions);
  int64_t free = target.memory->rows - state->context.firstRow;
  if (state->context.rowsUsed() > free)
    return failed("{}: {} positions take {} rows of the {} that a channel has for them", target.name, positions,
                  state->context.rowsUsed(), free);
  return std::unique_ptr<ValueDecoder>(new ValueDecoder(std::move(state)));
}

Result<std::vector<float>> ValueDecoder::step(int32_t token) {
  State &s = *state;
  if (token < 0 || token >= s.weights.shape.vocabulary)
    return malformed("token {} violates 0 <= token < {}", token, s.weights.shape.vocabulary);
  if (s.context.position == s.context.positions)
    return failed("the sequence has reached its {} positions", s.context.positions);
  ValueStep step(s.target, s.weights, s.context);
  Program program = step.build(token);
  s.machine.observe(&step);
  Status ran = s.machine.run(std::move(program));
  s.machine.observe(nullptr);
  YOKE_TRY(std::move(ran));
  YOKE_TRY(step.status());
  ++s.context.position;
  return step.logits();
}

int64_t ValueDecoder::cycles() const { return state->machine.now(); }
int64_t ValueDecoder::position() const { return state->context.position; }
void ValueDecoder::recordCommands(std::vector<TimedCommand> *trace) {
  state->machine.recordCommands(trace, 0, 1 << 20);
}

} // namespace yoke::sim
