//===- Compile.cpp - from a checkpoint to a package -----------------------===//
#include "Compiler/Compile.h"

#include "Commands/Commands.h"
#include "Compiler/CacheElement.h"
#include "Compiler/Codegen.h"
#include "Compiler/Describe.h"
#include "Compiler/Diagnostics.h"
#include "Compiler/DraftOptions.h"
#include "Compiler/Probe.h"
#include "Compiler/Registration.h"
#include "Compiler/WeightPacker.h"
#include "Import/Import.h"
#include "LowerCpu/WeightLayout.h"
#include "Package/PackageWriter.h"
#include "Package/SkipPolicy.h"
#include "Pim/Pim.h"
#include "Pipelines.h"
#include "Quantize/Quantize.h"
#include "Simulator/CommandCodec.h"
#include "Skip/Skip.h"
#include "Support/File.h"
#include "Tokenizer/Tokenizer.h"
#include "Tuning/TuningFile.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <sys/mman.h>

using namespace mlir;
using namespace yoke;

namespace {

/// Compilers of other versions make other code.
constexpr std::string_view tuningVersion = YOKE_VERSION "+llvm" LLVM_VERSION_STRING;

/// Tells the system that mapped pages need not stay in memory; what they hold stays in the file.
void releasePages(std::span<const std::byte> bytes) {
  constexpr uintptr_t page = 4096;
  uintptr_t begin = llvm::alignTo(reinterpret_cast<uintptr_t>(bytes.data()), page);
  uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

class Compilation {
public:
  explicit Compilation(const CompileOptions &options) : options(options) {
    DialectRegistry registry;
    registerEverything(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.printOpOnDiagnostic(false);
  }

  Status run() {
    if (StringRef(options.target).ends_with(".json"))
      return emitDescribed();
    CpuTarget target = YOKE_TRY(CpuTarget::parse(options.target));
    if (!options.activations.empty() && !llvm::is_contained(activationTypes(), options.activations))
      return usageError("activations {}: expected {}", options.activations, llvm::join(activationTypes(), ", "));
    YOKE_TRY(startRemarks());
    report("import", 0);
    YOKE_TRY(readModel());
    YOKE_TRY(setCacheElement(*module, options.kvCache));
    YOKE_TRY(addSkips());
    YOKE_TRY(makeLoop());
    YOKE_TRY(lower(target));
    if (!options.emit.empty())
      return {};
    return writePackage(target);
  }

private:
  void report(std::string_view phase, double fraction) {
    if (options.progress)
      options.progress(phase, fraction);
  }

  Status startRemarks() {
    if (options.remarksPath.empty())
      return {};
    remark::RemarkCategories categories;
    categories.passed = categories.missed = categories.analysis = categories.failed = "yoke-.*";
    auto policy = std::make_unique<remark::RemarkEmittingPolicyAll>();
    if (failed(remark::enableOptimizationRemarksWithLLVMStreamer(
            context, options.remarksPath, llvm::remarks::Format::YAML, std::move(policy), categories)))
      return outOfResources("{}: cannot be written", options.remarksPath);
    return {};
  }

  Status readModel() {
    llvm::StringRef model = options.model;
    bool isText = llvm::sys::path::extension(model) == ".mlir";
    std::string folder = isText ? llvm::sys::path::parent_path(model).str() : options.model;
    if (isText && folder.empty())
      folder = ".";
    if (!isText || options.emit.empty()) {
      checkpoint.emplace(YOKE_TRY(Checkpoint::open(folder)));
      YOKE_TRY(checkTokenizer());
    }
    if (isText)
      return parseModule();
    ImportOptions import;
    if (options.weights == "f32")
      import.weightType = WeightType::F32;
    else if (options.weights == "bf16")
      import.weightType = WeightType::BF16;
    else if (options.weights == "f16")
      import.weightType = WeightType::F16;
    else if (!options.weights.empty() && !llvm::is_contained(quantizedWeightTypes(), options.weights))
      return usageError("weights {}: expected f32, bf16, f16, {}", options.weights,
                        llvm::join(quantizedWeightTypes(), ", "));
    std::optional<Checkpoint> heads;
    if (isDraftHeads(options.draft))
      import.draft = YOKE_TRY(openDraft(heads));
    module = YOKE_TRY(importCheckpoint(context, *checkpoint, import));
    if (heads)
      checkpoint->attach(std::move(*heads), headsPrefix);
    return options.probe.empty() ? Status() : probeNorm(*module, options.probe);
  }

  /// Lets rows skip feed-forward blocks as the policy says.
  Status addSkips() {
    if (options.ffnSkip.empty() || options.ffnSkip == "off")
      return {};
    auto model = (*module)->getAttrOfType<DictionaryAttr>("llm.model");
    auto layers = model ? model.getAs<IntegerAttr>("layers") : nullptr;
    auto hidden = model ? model.getAs<IntegerAttr>("hidden_size") : nullptr;
    if (!layers || !hidden)
      return malformed("{}: the module has no llm.model attribute that says what the model is", options.model);
    SkipPolicy policy;
    policy.last = layers.getInt();
    policy.record = true;
    if (options.ffnSkip != "record") {
      if (!checkpoint)
        return usageError("a policy of skips needs the checkpoint that it was measured on, and text alone has none");
      bool isText = StringRef(options.ffnSkip).starts_with("{");
      std::string source = isText ? "the policy" : options.ffnSkip;
      std::string text = isText ? options.ffnSkip : YOKE_TRY(readFile(options.ffnSkip, size_t(1) << 24));
      policy = YOKE_TRY(SkipPolicy::parse(text, source));
      sourceSha256 = YOKE_TRY(checkpoint->sha256());
      YOKE_TRY(policy.checkModel(sourceSha256, layers.getInt(), hidden.getInt(), source));
    }
    FirstError errors(context);
    PassManager manager(&context);
    manager.addPass(createSkipFfnPass({.first = policy.first,
                                       .last = policy.last,
                                       .warmUp = policy.warmUp,
                                       .tau = policy.tau,
                                       .k = policy.k,
                                       .record = policy.record}));
    if (mlir::failed(manager.run(*module)))
      return tl::unexpected<Error>(errors.take(ErrorKind::Failed, "the policy of skips cannot be applied"));
    if (!policy.record)
      manifest.remarks.push_back(fmt::format("ffn-skip: layers {} to {}, from position {}, tau {}, k {}", policy.first,
                                             policy.last - 1, policy.warmUp, policy.tau, policy.k));
    return {};
  }

  /// KIND or KIND:FOLDER.
  Result<DraftHeads> openDraft(std::optional<Checkpoint> &heads) {
    auto [kind, folder] = StringRef(options.draft).split(':');
    if (folder.empty() && kind != "medusa")
      return usageError("draft {}: expected the folder of the heads, {}:FOLDER", options.draft, kind.str());
    if (folder.empty())
      return DraftHeads{kind.str(), nullptr};
    heads = YOKE_TRY(Checkpoint::openHeads(folder.str()));
    return DraftHeads{kind.str(), &*heads};
  }

  /// A package is not made with a tokenizer that could not be loaded from it.
  Status checkTokenizer() {
    if (auto text = checkpoint->tokenizer())
      YOKE_TRY(Tokenizer::load(*text, checkpoint->folder() + "/tokenizer.json"));
    return {};
  }

  Status parseModule() {
    FirstError errors(context);
    module = parseSourceFile<ModuleOp>(options.model, ParserConfig(&context));
    if (!module)
      return tl::unexpected<Error>(errors.take(ErrorKind::Malformed, options.model + ": cannot be read"));
    return {};
  }

  /// Adds the generation loop that is asked for.
  Status makeLoop() {
    if (options.draft.empty() || isDraftHeads(options.draft))
      return {};
    DraftOptions draftOptions = YOKE_TRY(readDraftOptions(options.draft));
    draft = draftOptions.text;
    buckets = draftOptions.buckets;
    FirstError errors(context);
    PassManager manager(&context);
    manager.addPass(createMakeLoopPass(draftOptions.loop));
    if (mlir::failed(manager.run(*module)))
      return tl::unexpected<Error>(errors.take(ErrorKind::Usage, "draft " + options.draft + ": no loop can be made"));
    if (!module->lookupSymbol("generate"))
      return failed("draft {}: the model generates no text", options.draft);
    return {};
  }

  /// The model's kernels on the devices of a target file, or the commands of a step; lines about the choices go to
  /// stderr.
  Status emitDescribed() {
    bool commands = options.emit == "commands" || options.emit == "commands-binary";
    if (options.emit != "placed" && !commands)
      return usageError("target {}: no code is made for described targets; --emit placed shows the placement, --emit "
                        "commands the commands of a step, `yoke simulate` runs it",
                        options.target);
    if (!options.ffnSkip.empty() && options.ffnSkip != "off")
      return usageError("target {}: skips have no placement: whether a block runs is known at run time only",
                        options.target);
    if (options.context < 0)
      return usageError("context {}: expected context >= 0", options.context);
    PlacementOptions placement{options.step, options.context ? options.context : PlacementOptions().context};
    if (commands && placement.step.empty())
      placement.step = "1x1";
    YOKE_TRY(startRemarks());
    report("import", 0);
    YOKE_TRY(readModel());
    report("place", 0);
    FirstError errors(context);
    ScopedDiagnosticHandler summaries(&context, [](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
        return failure();
      llvm::errs() << diagnostic.str() << '\n';
      return success();
    });
    PassManager manager(&context);
    (commands ? buildCommands : buildPlacement)(manager, options.target, placement);
    if (mlir::failed(manager.run(*module)))
      return tl::unexpected<Error>(errors.take(ErrorKind::Malformed, options.target + ": placement failed"));
    return options.emit == "commands-binary" ? emitCommands() : emitText();
  }

  /// The choices of the tuning file that are for this target and compiler, as --yoke-tune-kernels reads them.
  Result<std::string> tunedChoices(const CpuTarget &target) {
    std::string choices;
    if (options.tuning.empty())
      return choices;
    const TuningFile file = YOKE_TRY(TuningFile::read(options.tuning));
    const std::string name = TuningFile::targetName(target.tune, target.levelWithExtensions());
    for (const TunedKernel &kernel : file.kernels)
      if (kernel.target == name && kernel.version == tuningVersion && !kernel.choice.isDefault())
        choices += kernel.kernel + "@" + kernel.choice.text() + ";";
    return choices;
  }

  /// Runs the stages one by one; stops after the one that is to be printed.
  Status lower(const CpuTarget &target) {
    StageOptions stageOptions;
    stageOptions.level = target.levelWithExtensions();
    if (llvm::is_contained(quantizedWeightTypes(), options.weights))
      stageOptions.weights = options.weights;
    stageOptions.activations = options.activations;
    stageOptions.buckets = ArrayRef(buckets);
    if (options.maxStepTokens > 0)
      stageOptions.maxTokens = options.maxStepTokens;
    stageOptions.tuning = YOKE_TRY(tunedChoices(target));
    stageOptions.timed = options.emit == "timed-code";
    ropeSwitch = ropeSwitchOf(*module);
    if (ropeSwitch > 0) // room for the token that makes a step rotate for long texts
      stageOptions.maxTokens = std::max<int64_t>(stageOptions.maxTokens, 2);
    ArrayRef<Stage> stages = options.emit == "linalg" ? linalgStages() : cpuStages();
    for (auto [index, stage] : llvm::enumerate(stages)) {
      report("lower", static_cast<double>(index) / static_cast<double>(stages.size()));
      if (stage.name == "native")
        YOKE_TRY(describe(target));
      FirstError errors(context);
      PassManager manager(&context);
      stage.build(manager, stageOptions);
      if (mlir::failed(manager.run(*module)))
        return tl::unexpected<Error>(errors.take(ErrorKind::Failed, "stage " + stage.name.str() + " failed"));
      if (options.printIrAfterStage)
        llvm::errs() << "// After stage " << stage.name << ": " << stage.description << '\n' << *module << '\n';
      if (!options.saveTemps.empty())
        YOKE_TRY(saveText(llvm::formatv("{0}-{1}.mlir", index, stage.name).str()));
      if (emitName(stage.name) == options.emit)
        return emitText();
      if (stage.name == cpuStages().front().name && options.emit.empty())
        simplified = moduleText();
    }
    if (options.emit == "timed-code")
      return emit(YOKE_TRY(linkSharedObject(YOKE_TRY(compileToObject(*module, target)))));
    if (!options.emit.empty())
      return usageError(
          "emit {}: expected llm, fused, linalg, kernels or llvm, or placed or commands with --target FILE.json",
          options.emit);
    return {};
  }

  /// The name that users know a stage's result by.
  static llvm::StringRef emitName(llvm::StringRef stage) {
    if (stage == "simplify")
      return "llm";
    if (stage == "fuse")
      return "fused";
    return stage == "native" ? "llvm" : stage;
  }

  std::string moduleText() {
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << *module;
    return text;
  }

  Status emitText() { return emit(moduleText()); }

  Status emitCommands() {
    auto programs = module->getOps<npu::ProgramOp>();
    FailureOr<sim::CommandProgram> program = failure();
    if (!programs.empty())
      program = readCommands(*programs.begin());
    if (mlir::failed(program))
      return failed("{}: the commands have no binary form", options.target);
    return emit(sim::encodeCommands(*program));
  }

  Status emit(std::string_view contents) {
    if (!options.output.empty())
      return writeFile(options.output, contents);
    // A reader that has seen enough closes the pipe; that is no failure of ours.
    std::fwrite(contents.data(), 1, contents.size(), stdout);
    std::fflush(stdout);
    return {};
  }

  static Status writeFile(const std::string &path, std::string_view text) {
    AtomicFile file = YOKE_TRY(AtomicFile::create(path));
    YOKE_TRY(file.append(text));
    return file.commit();
  }

  Status saveText(const std::string &name) {
    if (std::error_code code = llvm::sys::fs::create_directories(options.saveTemps))
      return outOfResources("{}: {}", options.saveTemps, code.message());
    llvm::SmallString<256> path(options.saveTemps);
    llvm::sys::path::append(path, name);
    return writeFile(path.str().str(), moduleText());
  }

  /// Takes from the module what the package says about it, before the globals and attributes go.
  Status describe(const CpuTarget &target) {
    for (auto global : module->getOps<ml_program::GlobalOp>()) {
      auto source = dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr());
      llm::LayoutAttr layout = getLayout(global);
      auto constant = dyn_cast_if_present<DenseFPElementsAttr>(global.getValueAttr());
      if (constant && layout && constant.getType().getRank() == 1) {
        constants.push_back({constant, layout});
        continue;
      }
      if (!source || !layout)
        return malformed("{}: the weight has no #llm.weight value or no layout", global.getSymName().str());
      weights.push_back({global.getSymName().str(), cast<RankedTensorType>(global.getType()), source, layout});
    }
    if (auto bytes = (*module)->getAttrOfType<IntegerAttr>("llm.weight_bytes"))
      weightBytes = bytes.getInt();
    if (options.emit.empty()) {
      std::vector<std::string> remarks = std::move(manifest.remarks);
      manifest = YOKE_TRY(describeModule(*module));
      manifest.remarks = std::move(remarks);
      if (auto tokens = (*module)->getAttrOfType<DenseI32ArrayAttr>("llm.draft_vocabulary"))
        draftVocabulary.assign(tokens.asArrayRef().begin(), tokens.asArrayRef().end());
      manifest.step.ropeSwitch = ropeSwitch;
      if (manifest.loop)
        manifest.loop->draft = draft;
      if (!options.probe.empty())
        manifest.task = Task::Probe;
      manifest.target = target.describe();
      manifest.yokeVersion = YOKE_VERSION;
      manifest.llvmVersion = LLVM_VERSION_STRING;
    }
    return {};
  }

  Status writePackage(const CpuTarget &target) {
    report("code", 0);
    auto object = YOKE_TRY(compileToObject(*module, target));
    module = nullptr;
    std::string code = YOKE_TRY(linkSharedObject(object));
    manifest.sourceSha256 = sourceSha256.empty() ? YOKE_TRY(checkpoint->sha256()) : sourceSha256;
    for (const TensorInfo *tensor : checkpoint->tensors())
      releasePages(checkpoint->bytes(*tensor));

    PackageWriter writer = YOKE_TRY(PackageWriter::create(options.output));
    YOKE_TRY(writer.addManifest(manifest));
    YOKE_TRY(writer.add(section_names::code, SectionKind::Code, std::string_view(code)));
    YOKE_TRY(writer.add(section_names::config, SectionKind::Json, checkpoint->config()));
    YOKE_TRY(writer.add(section_names::ir, SectionKind::Text, std::string_view(simplified)));
    auto addOptional = [&](std::string_view name, std::optional<std::string_view> text) -> Status {
      return text ? writer.add(name, requiredKind(name).value_or(SectionKind::Text), *text) : Status();
    };
    YOKE_TRY(addOptional(section_names::tokenizer, checkpoint->tokenizer()));
    YOKE_TRY(addOptional(section_names::tokenizerConfig, checkpoint->tokenizerConfig()));
    YOKE_TRY(addOptional(section_names::generationConfig, checkpoint->generationConfig()));
    YOKE_TRY(addOptional("chat_template", checkpoint->chatTemplate()));
    if (!draftVocabulary.empty())
      YOKE_TRY(addOptional(section_names::draftVocabulary, dumpJson(draftVocabulary)));
    YOKE_TRY(packWeights(writer));
    report("write", 0);
    return writer.finish();
  }

  Status packWeights(PackageWriter &writer) {
    std::span<std::byte> section = YOKE_TRY(writer.reserve(section_names::weights, SectionKind::Weights,
                                                           static_cast<uint64_t>(std::max<int64_t>(weightBytes, 64))));
    for (const auto &[values, layout] : constants)
      for (auto [i, value] : llvm::enumerate(values.getValues<APFloat>())) {
        auto element = static_cast<float>(value.convertToDouble());
        std::memcpy(&section[static_cast<size_t>(layout.getOffset()) + i * sizeof(float)], &element, sizeof(float));
      }
    for (const PackedWeight &weight : weights) {
      report("pack", static_cast<double>(weight.layout.getOffset()) / static_cast<double>(weightBytes));
      std::span<std::byte> target = section.subspan(static_cast<size_t>(weight.layout.getOffset()),
                                                    static_cast<size_t>(packedBytes(weight.type, weight.layout)));
      YOKE_TRY(packWeight(*checkpoint, weight, target));
      releasePages(target);
      for (llm::PieceAttr piece : weight.source.getPieces())
        releasePages(checkpoint->bytes(*checkpoint->find(std::string_view(piece.getTensor()))));
    }
    return {};
  }

  const CompileOptions &options;
  MLIRContext context;
  std::optional<Checkpoint> checkpoint;
  OwningOpRef<ModuleOp> module;
  std::vector<PackedWeight> weights;
  std::vector<std::pair<DenseFPElementsAttr, llm::LayoutAttr>> constants; ///< vectors whose values the module holds
  int64_t weightBytes = 0;
  int64_t ropeSwitch = 0;
  std::string simplified; ///< the module as the package keeps it
  std::string draft;      ///< canonical
  std::vector<int64_t> buckets;
  std::string sourceSha256;             ///< of the checkpoint, once asked for
  std::vector<int32_t> draftVocabulary; ///< the model's token of each draft token; empty: the same
  Manifest manifest;
};

} // namespace

Status yoke::compile(const CompileOptions &options) {
  if (options.emit.empty() && options.output.empty())
    return usageError("expected an output file for the package");
  return Compilation(options).run();
}
