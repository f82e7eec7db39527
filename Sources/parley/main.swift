import SQLBridge

// The forms that kernelspecs and manifests use go around the argument parser: it costs milliseconds and megabytes at
// every start of a kernel. Everything else, errors and help included, is the parser's.
if let options = KernelProgram.Options(kernelspecForm: CommandLine.arguments) {
  KernelCommand.runToEnd(options)
} else if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "bridge-sql" {
  SQLBridge.run(resources: CommandLine.arguments[2])
} else {
  Parley.start(
    RunPapermill.arguments(CommandLine.arguments) ?? Array(CommandLine.arguments.dropFirst()))
}
